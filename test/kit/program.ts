// A program of ours as users run it: in a process of its own that can be started again, with everything it prints kept for whoever has to explain a failure.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Does it do its work, after what it has printed since it was launched? */
  ready(printed: string): boolean;
}
/** Milliseconds a start may take on a machine that does much else. */
const startMs = 60_000;
const keptCharacters = 256 * 1024;
/** Of them, in an error. */
const toldCharacters = 8_000;

export class Program {
  /** What all its runs have printed, the last 256 KiB of it. */
  printed = "";
  /** What this run has printed, the last 256 KiB of it. */
  own = "";
  readonly #name: string;
  #child: ChildProcess | undefined;
  #exited: Promise<number | null> = Promise.resolve(null);

  constructor(name: string) {
    this.#name = name;
  }
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`The ${this.#name} does not run`);
    return this.#child.pid;
  }
  get rssBytes(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))![1]) * 1024;
  }
  /** Resolves when it is ready. @throws Error with the last it said, when it ends before that or takes too long */
  launch({ program, args, cwd, env, ready }: Launch): Promise<void> {
    const child = this.#child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env });
    this.own = "";
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => reject(new Error(`The ${this.#name} ${what}:\n${this.own.slice(-toldCharacters)}`));
      const timer = setTimeout(() => fail(`is not ready after ${startMs} ms`), startMs);
      let isReady = false;
      const hear = (data: Uint8Array): void => {
        this.own = (this.own + data).slice(-keptCharacters);
        this.printed = (this.printed + data).slice(-keptCharacters);
        if (isReady || !(isReady = ready(this.own))) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout!.on("data", hear);
      child.stderr!.on("data", hear);
      this.#exited = new Promise((ended) => {
        child.once("close", (code) => {
          clearTimeout(timer);
          if (this.#child === child) this.#child = undefined;
          fail(`ended with status ${code}`);
          ended(code);
        });
      });
    });
  }
  /** For the end of this process, which waits for nothing. */
  killNow(): void {
    this.#child?.kill("SIGKILL");
  }
  /** kill -9; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#exited;
  }
  /** SIGTERM; resolves with the exit status. */
  async stop(): Promise<number | null> {
    if (this.#child?.pid !== undefined) process.kill(this.#child.pid, "SIGTERM"); // not child.kill: Deno then says that the signal has ended it, whatever did
    return await this.#exited;
  }
  /** Resolves with the exit status once it has ended by itself. */
  ended(): Promise<number | null> {
    return this.#exited;
  }
}
