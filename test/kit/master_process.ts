// A master as users run it: a process of its own, on the runtime that runs this, with a data directory that is gone afterwards.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type ApiClient, apiClient, readKubeconfig } from "./api_client.ts";
import { freePort } from "./free_port.ts";
import { Program } from "./program.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export type Runtime = "node" | "deno";
export const runtime: Runtime = "deno" in process.versions ? "deno" : "node";
/** Program and arguments that run a file of ours under the runtime that runs this one. */
export const command = (script: string, ...args: readonly string[]): [string, string[]] => commandIn(root, script, ...args);
export const commandIn = (source: string, script: string, ...args: readonly string[]): [string, string[]] =>
  commandOn(runtime, [], source, script, ...args);
/** The same under a runtime of one's choice, with flags for its V8. */
const commandOn = (on: Runtime, v8: readonly string[], source: string, script: string, ...args: readonly string[]): [string, string[]] => [
  on === runtime ? process.execPath : `${root}/node_modules/.bin/${on}`,
  [
    ...(on === "node" ? ["--no-warnings", ...v8] : ["run", "-A", "--quiet", ...v8.map((flag) => `--v8-flags=${flag}`)]),
    `${source}/${script}`,
    ...args,
  ],
];
/** As `npm run master` and `deno task master` run it: with a small young generation, which costs a master nothing and spares some 50 MB. */
export const serverCommand = (on: Runtime, source: string, script: string, ...args: readonly string[]): [string, string[]] =>
  commandOn(on, ["--max-semi-space-size=4"], source, script, ...args);

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
  /** Default: the one that runs this. */
  readonly runtime?: Runtime;
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

/** A data directory, and no master on it yet. */
export async function masterProcess(options: MasterOptions = {}): Promise<MasterProcess> {
  const { args = [], env = {}, advertise = "127.0.0.1" } = options;
  let source = options.source ?? root;
  const program = new Program("master");
  const directory = testDirectory("master", undefined, () => program.killNow()), dataDir = options.dataDir ?? `${directory}/data`;
  const port = await freePort(), mqttPort = await freePort();
  let serving: Promise<void> = Promise.resolve(), client: ApiClient | undefined;

  const launch = (): void => {
    const [engine, first] = serverCommand(
      options.runtime ?? runtime,
      source,
      "master/main.ts",
      ...["serve", "--data-dir", dataDir, "--listen", `127.0.0.1:${port}`, "--mqtt-listen", `127.0.0.1:${mqttPort}`],
      ...["--advertise", advertise, ...args],
    );
    const ready = (own: string): boolean => /^Serving at https:\/\/[\d.]+:\d+/m.test(own) && /"mqttPort":\d+/.test(own);
    serving = program.launch({ program: engine, args: first, cwd: source, env: { ...process.env, ...env }, ready });
    serving.catch(() => {}); // looked at by start(), if at all
  };

  const master: MasterProcess = {
    directory,
    dataDir,
    kubeconfig: `${dataDir}/admin.kubeconfig`,
    port,
    mqttPort,
    get pid() {
      return program.pid;
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
    kill: () => program.kill(),
    async stop() {
      const from = performance.now();
      return { code: await program.stop(), ms: performance.now() - from };
    },
    ended: () => program.ended(),
    log: () => program.printed,
    rssBytes: () => program.rssBytes,
    async close() {
      client?.close();
      await program.kill();
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
