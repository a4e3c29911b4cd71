// A process under measurement: started on the runtime that runs the bench, watched through /proc from outside, always ended.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { promisify } from "node:util";
import { command, type MasterProcess, masterProcess, root } from "../kit/master_process.ts";

export const runtime = process.versions.deno ? `Deno ${process.versions.deno}` : `Node ${process.versions.node}`;
/** Milliseconds a subject may take to say what is expected of it. */
const startTimeoutMs = 30_000;
const keptCharacters = 1024 * 1024;
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

export interface Subject {
  readonly pid: number;
  /** What `ready` matched. */
  readonly ready: RegExpExecArray;
  /** Resolves when what it writes from now on matches. */
  heard(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
const directories: string[] = [];
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
});

/** Starts `script` (a path in the repository) and waits until its output matches `ready`. */
export async function start(
  script: string,
  args: readonly string[],
  ready: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<Subject> {
  const [program, argv] = command(script, ...args);
  const child = spawn(program, argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  running.add(child);
  let output = "";
  const listeners = new Set<() => void>();
  const hear = (data: Uint8Array): void => {
    output = (output + data).slice(-keptCharacters);
    for (const listener of [...listeners]) listener();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const ended = new Promise<void>((resolve) =>
    child.once("close", () => {
      running.delete(child);
      for (const listener of [...listeners]) listener();
      resolve();
    })
  );
  const heard = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      output = "";
      const done = (settle: () => void): void => {
        listeners.delete(look);
        clearTimeout(timer);
        settle();
      };
      const look = (): void => {
        const match = pattern.exec(output);
        if (match) done(() => resolve(match));
        else if (!running.has(child)) done(() => reject(new Error(`${script} has ended; it said:\n${output}`)));
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`${script} has not said ${pattern} within ${startTimeoutMs} ms, but:\n${output}`))),
        startTimeoutMs,
      );
      listeners.add(look);
    });
  const found = await heard(ready).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const pid = child.pid!;
  return {
    pid,
    ready: found,
    heard,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** User and system time of all threads of a process so far, µs, in steps of 10,000. proc(5): fields 14 and 15 of /proc/pid/stat; the name before them may hold spaces. */
export function cpuUs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8"), fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * (1e6 / ticksPerSecond);
}

/** VmRSS of a process, MB of 2^20 bytes. */
export const rssMb = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

/** A master that leads: its namespaces are there, its scheduler and controllers run. */
export async function startMaster(): Promise<MasterProcess> {
  const master = await masterProcess();
  try {
    await master.start();
    const deadline = performance.now() + startTimeoutMs;
    while (!master.log().includes("Leading: scheduler and controllers")) {
      if (performance.now() > deadline) throw new Error(`The master does not lead after ${startTimeoutMs} ms:\n${master.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return master;
  } catch (error) {
    await master.close();
    throw error;
  }
}

/** A token with which any number of devices may join. */
export async function joinToken({ dataDir }: MasterProcess): Promise<string> {
  const [program, argv] = command("master/main.ts", "token", "create", "--data-dir", dataDir);
  return (await promisify(execFile)(program, argv)).stdout.trim();
}

/** A directory on the disk that keeps data (a store on tmpfs would be measured without its disk); gone with this process at the latest. */
export async function temporary(): Promise<string> {
  const directory = await mkdtemp(`${process.env.SKERRY_BENCH_DIR ?? tmpdir()}/skerry-bench-${process.pid}-`);
  directories.push(directory);
  return directory;
}
