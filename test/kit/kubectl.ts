// Stock kubectl, as people have it: the Google Cloud SDK's collection where it is installed, else the one on the PATH.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";

export interface InstalledKubectl {
  readonly version: string;
  readonly path: string;
}
const sdk = "/usr/lib/google-cloud-sdk/bin";
/** The oldest we promise and the newest, or those asked for, where they are here; none without a kubectl. */
export function kubectls(versions: readonly string[] = ["1.27", "1.33"]): InstalledKubectl[] {
  const executable = (path: string): boolean => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  let collected: string[] = [];
  try {
    collected = readdirSync(sdk).filter((name) => versions.includes(name.replace("kubectl.", "")));
  } catch { /* it is not installed */ }
  const found = collected.map((name) => ({ version: name.replace("kubectl.", ""), path: `${sdk}/${name}` }));
  if (found.length > 0) return found;
  const own = (process.env.PATH ?? "").split(":").map((directory) => `${directory}/kubectl`).find(executable);
  return own ? [{ version: "installed", path: own }] : [];
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it after so many ms; what it has printed by then is the outcome. */
  readonly forMs?: number;
}
export interface Kubectl {
  run(line: string, options?: RunOptions): Promise<Outcome>;
  /** What it prints. Fails with its own words unless it ends with 0. */
  ok(line: string, options?: RunOptions): Promise<string>;
  // deno-lint-ignore no-explicit-any
  json(line: string): Promise<any>;
  /** Runs beside the test, as `logs -f` does, until stopped. */
  follow(line: string): { readonly out: () => string; stop(): Promise<void> };
}

/** `directory` holds its caches, so that nothing of the machine's own is read or written. */
export function kubectl(path: string, { kubeconfig, directory }: { kubeconfig: string; directory: string }): Kubectl {
  const launch = (line: string, env: Readonly<Record<string, string>> = {}): ChildProcess =>
    spawn(path, ["--kubeconfig", kubeconfig, "--cache-dir", `${directory}/cache`, ...words(line)], {
      env: { PATH: process.env.PATH ?? "", HOME: directory, ...env },
    });
  const run: Kubectl["run"] = (line, { input = "", env, forMs = 60_000 } = {}) =>
    new Promise((resolve, reject) => {
      const child = launch(line, env);
      let out = "", err = "";
      const timer = setTimeout(() => child.kill(), forMs);
      child.stdout!.on("data", (data) => out += data);
      child.stderr!.on("data", (data) => err += data);
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? -1, out, err });
      });
      child.stdin!.on("error", () => {}); // it may have ended before it read anything
      child.stdin!.end(input);
    });
  const ok: Kubectl["ok"] = async (line, options) => {
    const { code, out, err } = await run(line, options);
    assert.is(code, 0, `kubectl ${line}: ${err}${out}`);
    return out;
  };
  return {
    run,
    ok,
    json: async (line) => JSON.parse(await ok(`${line} -o json`)),
    follow(line) {
      const child = launch(line), ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
      let out = "";
      child.stdout!.on("data", (data) => out += data);
      child.stderr!.on("data", (data) => out += data);
      return {
        out: () => out,
        stop: async () => {
          child.kill();
          await ended;
        },
      };
    },
  };
}

/** Words of a line; 'quoted ones' may have spaces. */
const words = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
