// The load generator of the store's bench, in Go, because etcd's own client is: built once per run from Debian's packages.
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { root } from "../kit/master_process.ts";
import { temporary } from "./subject.ts";

export interface Rate {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU of all members together, and of the generator, for one operation. */
  readonly cpuUs: number;
  readonly clientUs: number;
  /** Processors that members and generator kept busy. */
  readonly busy: number;
}
export interface Load {
  readonly target: "etcd" | "frames" | "api";
  readonly endpoint: string;
  readonly op: "put" | "get";
  readonly clients: number;
  readonly keys?: number;
  readonly pids: readonly number[];
  readonly tls?: string;
}
const goPath = "/usr/share/gocode", clientSource = `${goPath}/src/go.etcd.io/etcd/clientv3`;

export class Generator {
  readonly #program: string;
  readonly #forMs: number;

  private constructor(program: string, forMs: number) {
    this.#program = program;
    this.#forMs = forMs;
  }
  /** @param forMs milliseconds of a measurement @throws Error saying what to install */
  static async build({ forMs }: { forMs: number }): Promise<Generator> {
    const missing = [
      ...(works("go", "version") ? [] : ["golang-go"]),
      ...(existsSync(clientSource) ? [] : ["golang-etcd-server-dev"]),
      ...(works("etcd", "--version") ? [] : ["etcd-server"]),
    ];
    if (missing.length > 0) {
      throw new Error(
        `Cannot measure against etcd: ${missing.join(" and ")} not installed. On Debian: apt-get install --no-install-recommends ${
          missing.join(" ")
        }`,
      );
    }
    const directory = await temporary(), program = `${directory}/load`;
    const env = { ...process.env, GO111MODULE: "off", GOPATH: goPath, GOCACHE: `${directory}/cache`, GOFLAGS: "" };
    await promisify(execFile)("go", ["build", "-o", program, `${root}/test/bench/store_load/main.go`], { env });
    return new Generator(program, forMs);
  }

  async measure({ target, endpoint, op, clients, keys = 10_000, pids, tls = "" }: Load): Promise<Rate> {
    const args = ["-target", target, "-endpoint", endpoint, "-op", op, "-clients", String(clients), "-keys", String(keys)];
    return await this.#run([...args, "-pids", pids.join(","), "-tls", tls, "-for", `${this.#forMs}ms`]) as Rate;
  }
  /** Writes each key once. @returns the seconds that took */
  async fill({ target, endpoint, keys, tls = "" }: Pick<Load, "target" | "endpoint" | "tls"> & { keys: number }): Promise<number> {
    const args = ["-target", target, "-endpoint", endpoint, "-op", "fill", "-clients", "128", "-keys", String(keys), "-tls", tls];
    return (await this.#run(args) as { seconds: number }).seconds;
  }
  async #run(args: readonly string[]): Promise<unknown> {
    const { stdout } = await promisify(execFile)(this.#program, args);
    return JSON.parse(stdout);
  }
}

const works = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;
