// Network, processes and mounts of a trial are in namespaces without names, which the kernel takes away with the first process in them, whatever ends it: the
// machine's own network, and everything else of it, is not touched. What remains is a directory.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { runToEnd } from "../../shared/platform/process.ts";
import { root, runtime } from "../kit/master_process.ts";
import { noNamespaces } from "../kit/node_network.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";
import type { TrialOptions, TrialReport } from "./trial.ts";

const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/** Why no trial can be held here. */
export function noEnclosure(): string | undefined {
  const why = noNamespaces();
  if (why !== undefined) return why;
  const { status, stderr } = runToEnd("unshare", ...namespaces, "ip", "link", "add", "chaos", "type", "bridge");
  return status === 0 ? undefined : `no network namespaces: ${stderr.trim() || "unshare is not installed"}`;
}

export interface Enclosed extends Omit<TrialOptions, "directory"> {
  /** That runs masters and clients; default: the one that runs this. */
  readonly runtime?: "node" | "deno";
}

/** @throws Error when the trial could not be held to its end */
export async function enclosedTrial(
  { runtime: wanted = runtime, ...options }: Enclosed,
  say: (line: string) => void,
): Promise<TrialReport> {
  const engine = wanted === runtime ? process.execPath : `${root}node_modules/.bin/${wanted}`;
  const first = wanted === "deno" ? ["run", "-A", "--quiet"] : ["--no-warnings"];
  let killNow = (): void => {};
  const directory = testDirectory("chaos", undefined, () => killNow());
  try {
    const inside = JSON.stringify({ ...options, directory } satisfies TrialOptions);
    const child = spawn("unshare", [...namespaces, engine, ...first, `${root}test/chaos/inside.ts`, inside], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    killNow = () => void child.kill("SIGKILL");
    let errors = "";
    child.stderr.on("data", (data) => errors = (errors + data).slice(-8_000));
    createInterface({ input: child.stdout }).on("line", say);
    const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    if (code !== 0 || !existsSync(`${directory}/report.json`)) throw new Error(`The trial has ended with status ${code}: ${errors}`);
    return JSON.parse(readFileSync(`${directory}/report.json`, "utf8")) as TrialReport;
  } finally {
    removeTestDirectory(directory);
  }
}
