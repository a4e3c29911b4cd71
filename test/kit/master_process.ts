// A master as users run it: a process of its own, on the runtime that runs this, with a data directory that is gone afterwards.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type ApiClient, apiClient, readKubeconfig } from "./api_client.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const runtime: "node" | "deno" = "deno" in process.versions ? "deno" : "node";
/** Program and arguments that run a file of ours under the runtime that runs this one. */
export const command = (script: string, ...args: readonly string[]): [string, string[]] => commandIn(root, script, ...args);
export const commandIn = (source: string, script: string, ...args: readonly string[]): [string, string[]] => [
  process.execPath,
  [...(runtime === "deno" ? ["run", "-A", "--quiet"] : ["--no-warnings"]), `${source}/${script}`, ...args],
];

export interface MasterOptions {
  /** Beside those that say where it keeps its data and listens. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it keeps its data, if not in a new directory. */
  readonly dataDir?: string;
  /** Address under which clients and nodes are told to reach it, other than the one it listens on: for a relay in between. */
  readonly advertise?: string;
  /** Directory of the source that it runs; default: this one. */
  readonly source?: string;
}
export interface MasterProcess {
  /** Temporary; holds the data directory. */
  readonly directory: string;
  readonly dataDir: string;
  readonly kubeconfig: string;
  /** The same after each start. */
  readonly port: number;
  readonly mqttPort: number;
  readonly pid: number;
  /** The admin's. */
  readonly client: ApiClient;
  /** From the next start on it runs this source. */
  upgrade(source: string): void;
  /** Starts it, again on the same ports. Resolves when it says that it serves, with the milliseconds that took. */
  start(): Promise<number>;
  /** Starts it and does not wait: for one that is to be killed on its way up. */
  spawn(): void;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit status and the milliseconds it took. */
  stop(): Promise<{ readonly code: number | null; readonly ms: number }>;
  /** Resolves with the exit status once it has ended by itself. */
  ended(): Promise<number | null>;
  /** What all its runs have printed, the last 256 KiB of it. */
  log(): string;
  rssBytes(): number;
  close(): Promise<void>;
}

/** Milliseconds a start may take on a machine that does much else. */
const startMs = 60_000;
const keptLogCharacters = 256 * 1024;

/** A data directory, and no master on it yet. */
export async function masterProcess(options: MasterOptions = {}): Promise<MasterProcess> {
  const { args = [], env = {}, advertise = "127.0.0.1" } = options;
  let source = options.source ?? root;
  let child: ChildProcess | undefined;
  const directory = testDirectory("master", undefined, () => child?.kill("SIGKILL")), dataDir = options.dataDir ?? `${directory}/data`;
  let exited: Promise<number | null> = Promise.resolve(null), serving: Promise<void> = Promise.resolve();
  let printed = "", port = 0, mqttPort = 0, client: ApiClient | undefined;

  const launch = (): void => {
    const [program, first] = commandIn(
      source,
      "master/main.ts",
      ...["serve", "--data-dir", dataDir, "--listen", `127.0.0.1:${port}`, "--mqtt-listen", `127.0.0.1:${mqttPort}`],
      ...["--advertise", advertise, ...args],
    );
    const started = spawn(program, first, { cwd: source, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    child = started;
    let own = "";
    serving = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`The master does not serve after ${startMs} ms:\n${printed}`)), startMs);
      const heard = (data: Uint8Array): void => {
        const text = String(data);
        own += text;
        printed = (printed + text).slice(-keptLogCharacters);
        const at = /^Serving at https:\/\/[\d.]+:(\d+)/m.exec(own), mqtt = /"mqttPort":(\d+)/.exec(own);
        if (!at || !mqtt) return;
        port = Number(at[1]);
        mqttPort = Number(mqtt[1]);
        clearTimeout(timer);
        own = "";
        resolve();
      };
      started.stdout!.on("data", heard);
      started.stderr!.on("data", heard);
      exited = new Promise((ended) => {
        started.once("close", (code) => {
          clearTimeout(timer);
          if (child === started) child = undefined;
          reject(new Error(`The master ended with status ${code} before it served:\n${printed.slice(-4_000)}`));
          ended(code);
        });
      });
    });
    serving.catch(() => {}); // looked at by start(), if at all
  };

  const master: MasterProcess = {
    directory,
    dataDir,
    kubeconfig: `${dataDir}/admin.kubeconfig`,
    get port() {
      return port;
    },
    get mqttPort() {
      return mqttPort;
    },
    get pid() {
      if (child?.pid === undefined) throw new Error("The master does not run");
      return child.pid;
    },
    get client() {
      if (!client) throw new Error("The master has not served yet");
      return client;
    },
    upgrade: (other) => void (source = other),
    spawn: launch,
    async start() {
      const from = performance.now();
      launch();
      await serving;
      const ms = performance.now() - from;
      client?.close();
      client = apiClient(await readKubeconfig(master.kubeconfig));
      return ms;
    },
    async kill() {
      child?.kill("SIGKILL");
      await exited;
    },
    async stop() {
      const from = performance.now();
      // Not child.kill(): Deno 2.9 then reports the signal in place of the exit status.
      if (child) process.kill(child.pid!, "SIGTERM");
      return { code: await exited, ms: performance.now() - from };
    },
    ended: () => exited,
    log: () => printed,
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${master.pid}/status`, "utf8"))![1]) * 1024,
    async close() {
      client?.close();
      await master.kill();
      removeTestDirectory(directory);
    },
  };
  return master;
}

/** Runs a master for as long as `body` takes. What went wrong in there is told with the master's last words. */
export async function withMaster<T>(body: (master: MasterProcess) => Promise<T>, options: MasterOptions = {}): Promise<T> {
  const master = await masterProcess(options);
  try {
    await master.start();
    return await body(master);
  } catch (error) {
    const why = error instanceof Error ? error : new Error(String(error));
    why.message += `\nThe master's last lines:\n${master.log().slice(-4_000)}`;
    throw why;
  } finally {
    await master.close();
  }
}
