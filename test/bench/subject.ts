// A process under measurement: started on the runtime that runs the bench, watched through /proc from outside, always ended.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Buffer } from "node:buffer";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const runtime = process.versions.deno ? `Deno ${process.versions.deno}` : `Node ${process.versions.node}`;
const runtimeArguments = process.versions.deno ? ["run", "-A", "--quiet"] : ["--no-warnings"];
/** Milliseconds a subject may take to say that it is ready. */
const startTimeoutMs = 30_000;
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

export interface Subject {
  readonly pid: number;
  /** What `ready` matched. */
  readonly ready: RegExpExecArray;
  /** Everything it has written so far. */
  output(): string;
  /** User and system time of all its threads so far, µs, in steps of 10,000. */
  cpuUs(): number;
  /** VmRSS, MB of 2^20 bytes. */
  rssMb(): number;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts `script` (a path in the repository) and waits until its output matches `ready`. `flags` are the runtime's. */
export async function start(
  script: string,
  args: readonly string[],
  ready: RegExp,
  options: { flags?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Subject> {
  const argv = [...runtimeArguments, ...options.flags ?? [], `${root}/${script}`, ...args];
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...options.env } });
  running.add(child);
  let output = "";
  const ended = new Promise<void>((resolve) =>
    child.once("close", () => {
      running.delete(child);
      resolve();
    })
  );
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`Cannot measure ${script}: it ${what}. It said:\n${output.slice(-4000)}`));
    const timer = setTimeout(() => fail(`is not ready after ${startTimeoutMs} ms`), startTimeoutMs);
    const hear = (data: Uint8Array): void => {
      output = (output + data).slice(-1024 * 1024);
      const match = ready.exec(output);
      if (match) resolve(match);
      if (match) clearTimeout(timer);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const pid = child.pid!;
  return {
    pid,
    ready: found,
    output: () => output,
    cpuUs: () => cpuUs(pid),
    rssMb: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** proc(5): fields 14 and 15 of /proc/pid/stat; the name before them may hold spaces. */
export function cpuUs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8"), fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * (1e6 / ticksPerSecond);
}

/** What it takes to speak to a server of ours. PEM. */
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Master extends Subject {
  readonly dataDir: string;
  readonly port: number;
  readonly mqttPort: number;
  readonly credentials: Credentials;
}

/** A master on free ports and a new data directory, which goes with it. */
export async function startMaster(options: { flags?: readonly string[] } = {}): Promise<Master> {
  const dataDir = await temporary();
  const listen = ["--listen", "127.0.0.1:0", "--mqtt-listen", "127.0.0.1:0", "--advertise", "127.0.0.1"];
  // The last line of a start: the namespaces are there, the scheduler and the controllers run.
  const subject = await start("master/main.ts", ["serve", "--data-dir", dataDir, ...listen], /Leading: scheduler and controllers/, options);
  const { clusters, users } = parse(await readFile(`${dataDir}/admin.kubeconfig`, "utf8")), { cluster } = clusters[0], { user } = users[0];
  const pem = (base64: string): string => Buffer.from(base64, "base64").toString();
  return {
    ...subject,
    dataDir,
    port: Number(new URL(cluster.server).port),
    mqttPort: Number(/"mqttPort":(\d+)/.exec(subject.output())![1]),
    credentials: {
      ca: pem(cluster["certificate-authority-data"]),
      cert: pem(user["client-certificate-data"]),
      key: pem(user["client-key-data"]),
    },
    async stop() {
      await subject.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A directory on the disk that keeps data: a store on tmpfs would be measured without its disk. */
export const temporary = (): Promise<string> => mkdtemp(`${process.env.SKERRY_BENCH_DIR ?? tmpdir()}/skerry-bench-`);
