// Short-lived programs of the machine (nft, ip, conntrack): text in, text out, both bounded in bytes and time.
import { spawn, spawnSync } from "node:child_process";
import { Buffer } from "node:buffer";
import process from "node:process";
import { commandOutputBytes, commandTimeoutMs } from "../limits.ts";

export interface CommandResult {
  /** Exit code; undefined when a signal ended it. */
  readonly status: number | undefined;
  /** Cut at `commandOutputBytes`, as is `stderr`. */
  readonly stdout: string;
  readonly stderr: string;
}
export interface CommandOptions {
  readonly stdin?: string | undefined;
  /** Milliseconds after which it is killed; default `commandTimeoutMs`. */
  readonly timeoutMs?: number;
}
/** Runs a program and resolves when it has ended, whatever its exit code. @throws CommandError when it cannot be started */
export type Run = (command: readonly string[], options?: CommandOptions) => Promise<CommandResult>;

export class CommandError extends Error {
  override name = "CommandError";
  /** errno: ENOENT when the program is not installed. */
  readonly code: string | undefined;
  constructor(message: string, code: string | undefined, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Programs run behind `prefix`, as in `["ip", "netns", "exec", name]`. Without one, in the agent's own namespaces. */
export const runner = (prefix: readonly string[] = []): Run => (command, { stdin, timeoutMs = commandTimeoutMs } = {}) =>
  new Promise((resolve, reject) => {
    const [program, ...args] = [...prefix, ...command] as [string, ...string[]];
    const child = spawn(program, args, { stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"], timeout: timeoutMs });
    const stdout = new Bounded(), stderr = new Bounded();
    child.stdout!.on("data", (bytes: Buffer) => stdout.push(bytes));
    child.stderr!.on("data", (bytes: Buffer) => stderr.push(bytes));
    child.once("error", (cause: Error & { code?: string }) => {
      reject(
        new CommandError(`Cannot run ${command[0]}: ${cause.code === "ENOENT" ? "it is not installed" : cause.message}`, cause.code, {
          cause,
        }),
      );
    });
    child.once("close", (code) => resolve({ status: code ?? undefined, stdout: stdout.text(), stderr: stderr.text() }));
    // A program that has ended early no longer reads: its exit code says why.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
  });

/** The environment, with the administrator's programs on PATH as well: Debian leaves them out for everybody else. */
export const withSbin = (): NodeJS.ProcessEnv => ({ ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` });

/** For what has to be done before the process itself may end: waits, looks for the program in the administrator's directories too, and throws nothing. */
export function runToEnd(program: string, ...args: string[]): CommandResult {
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: withSbin(),
    encoding: "utf8",
    timeout: commandTimeoutMs,
    maxBuffer: commandOutputBytes,
  });
  return { status: status ?? undefined, stdout: stdout ?? "", stderr: stderr ?? "" };
}

class Bounded {
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  push(bytes: Buffer): void {
    if (this.#bytes >= commandOutputBytes) return; // read on, so that the program does not hang on a full pipe
    this.#parts.push(bytes.subarray(0, commandOutputBytes - this.#bytes));
    this.#bytes += bytes.length;
  }
  text(): string {
    return Buffer.concat(this.#parts).toString();
  }
}
