// `nft monitor`, held open: tells within milliseconds when somebody has changed our table. A hint that saves waiting for the next look, and no more.
import { spawn } from "node:child_process";
import type { Buffer } from "node:buffer";
import { monitorLineBytes, routesCheckMs } from "../../shared/limits.ts";
import { nft } from "../../shared/names.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { type Log } from "../../shared/util/log.ts";

/** Calls `changed` for every change of the table. Starts the program again when it has ended. Resolves when the signal has aborted and the program is gone. */
export async function monitorTable(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { table, prefix }: { readonly table: string; readonly prefix: readonly string[] },
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  let said = false;
  while (!signal.aborted) {
    const failure = await once([...prefix, "nft", "monitor", "destroy"], table, changed, signal);
    if (signal.aborted) return;
    if (!said) log.info("Changes of the packet filter are found by looking alone", { error: failure });
    said = true;
    changed(); // what it would have told is lost
    await sleep(clock, routesCheckMs, signal).catch(() => {});
  }
}

function once([program, ...args]: readonly string[], table: string, changed: () => void, signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    const child = spawn(program!, args, { stdio: ["ignore", "pipe", "ignore"] });
    const stop = () => child.kill("SIGKILL"); // it waits in the kernel and holds nothing
    signal.addEventListener("abort", stop, { once: true });
    let line = "";
    child.stdout.on("data", (bytes: Buffer) => {
      const lines = (line + bytes.toString("latin1")).split("\n");
      line = lines.pop()!.slice(0, monitorLineBytes);
      if (lines.some((each) => isOurs(each, table))) changed();
    });
    const end = (failure: Error) => {
      signal.removeEventListener("abort", stop);
      resolve(failure);
    };
    child.once("error", end);
    child.once("close", (code) => end(new Error(`nft monitor has ended with ${code}`)));
  });
}

/** `delete rule inet skerry …`, `delete table inet skerry`. */
const isOurs = (line: string, table: string): boolean => ` ${line} `.includes(` ${nft.family} ${table} `);
