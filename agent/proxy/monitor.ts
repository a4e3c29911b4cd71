// `nft monitor`, held open: tells within milliseconds when somebody has changed our table. A hint that saves waiting for the next look, and no more.
import { spawn } from "node:child_process";
import type { Buffer } from "node:buffer";
import { monitorLineBytes, routesCheckMs } from "../../shared/limits.ts";
import { baseNames, elementSets } from "./base.ts";
import { nft } from "../../shared/names.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { type Log } from "../../shared/util/log.ts";

export type Deleted = "base" | "service";

/** Calls `seen` when something of the table was deleted: of the base that every table has, or of a service. Starts the program again when it has ended. Resolves when the signal has aborted and the program is gone. */
export async function monitorTable(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { table, prefix }: { readonly table: string; readonly prefix: readonly string[] },
  seen: (what: Deleted) => void,
  signal: AbortSignal,
): Promise<void> {
  let said = false;
  while (!signal.aborted) {
    const failure = await once([...prefix, "nft", "monitor", "destroy"], table, seen, signal);
    if (signal.aborted) return;
    if (!said) log.info("Changes of the packet filter are found by looking alone", { error: failure });
    said = true;
    seen("base"); // what it would have told is lost
    await sleep(clock, routesCheckMs, signal).catch(() => {});
  }
}

function once([program, ...args]: readonly string[], table: string, seen: (what: Deleted) => void, signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    const child = spawn(program!, args, { stdio: ["ignore", "pipe", "ignore"] });
    const stop = () => child.kill("SIGKILL"); // it waits in the kernel and holds nothing
    signal.addEventListener("abort", stop, { once: true });
    let line = "";
    child.stdout.on("data", (bytes: Buffer) => {
      const lines = (line + bytes.toString("latin1")).split("\n");
      line = lines.pop()!.slice(0, monitorLineBytes);
      const deleted = new Set(lines.map((each) => deletion(each, table)));
      if (deleted.has("base")) seen("base");
      if (deleted.has("service")) seen("service");
    });
    const end = (failure: Error) => {
      signal.removeEventListener("abort", stop);
      resolve(failure);
    };
    child.once("error", end);
    child.once("close", (code) => end(new Error(`nft monitor has ended with ${code}`)));
  });
}

/** `delete table inet skerry`, `delete rule inet skerry services handle 7`, `delete element inet skerry svc4 { … }`; undefined when it is none of ours. */
export function deletion(line: string, table: string): Deleted | undefined {
  const [verb, what, family, of, name] = line.split(" ");
  if (verb !== "delete" || family !== nft.family || of !== table) return undefined;
  return what === "table" || (what !== "element" && base.has(name ?? "")) ? "base" : "service";
}
const base = new Set([...baseNames, ...elementSets.keys()]);
