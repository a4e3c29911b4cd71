// What a test could leave on the machine: the runner looks before and after each file.
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isRunning } from "../../shared/platform/podman_leftovers.ts";
import { runToEnd } from "../../shared/platform/process.ts";

/** What runs in containers here, and what runs them. */
const programs = /^(podman|conmon|catatonit|runc|crun|netavark|busybox|httpd|sh|etcd)$/;
const repository = fileURLToPath(new URL("../..", import.meta.url));
const lines = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

/** Each in a word or two, as it is said to the user. Processes: only those without a parent. Without what `restoreMachine` takes away at the end. */
export function traces(): Set<string> {
  if (process.platform !== "linux") return new Set();
  const orphans = lines(runToEnd("ps", "-eo", "pid=,ppid=,comm=,args=").stdout).map((line) => line.split(/\s+/)).filter((
    [, parent, name, ...args],
  ) => parent === "1" && (programs.test(name!) || args.some((word) => word.startsWith(repository))));
  return new Set([
    ...orphans.map(([pid, , name]) => `process ${pid} (${name})`),
    ...readdirSync("/sys/class/net").map((name) => `link ${name}`),
    ...lines(readFileSync("/proc/self/mounts", "utf8")).map((line) => `mount ${line.split(" ")[1]}`).filter((it) =>
      it !== "mount /run/netns"
    ),
    ...lines(runToEnd("nft", "list", "tables").stdout).filter((table) => !/^table ip (nat|filter)$/.test(table)),
    ...readdirSync(tmpdir()).filter((name) => name.startsWith("skerry-") && !isInUse(name)).map((name) => `${tmpdir()}/${name}`),
    ...under("/run/netns"),
    ...under("/run/runc"),
  ]);
}
/** Directories of tests have the number of their process in their name. */
const isInUse = (name: string): boolean => isRunning(Number(/-(\d+)[-.]/.exec(name)?.[1] ?? 0));
function under(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => `${directory}/${name}`);
  } catch {
    return []; // nobody has needed it yet
  }
}

/** What is there now and was not before; looks again for a while, since much of it ends by itself a moment later. */
export async function newTraces(before: ReadonlySet<string>): Promise<string[]> {
  for (let looks = 0;; looks++) {
    const added = [...traces()].filter((trace) => !before.has(trace));
    if (added.length === 0 || looks === 20) return added;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
