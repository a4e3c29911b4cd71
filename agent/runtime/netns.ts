// Connections to localhost as it is in a pod. A process is in one network namespace, so a small one of ours goes into the pod's (nsenter, as kubelets did) and dials
// there; bytes come through a unix socket, which knows no network namespaces. It ends soon after its last connection, and with us.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { mkdir, readlink, rm } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import process from "node:process";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { dialerIdleMs, dialMs } from "../../shared/limits.ts";
import { withSbin } from "../../shared/platform/process.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { dialLocalhost } from "./dial.ts";
import { RuntimeError } from "./runtime.ts";

const program = fileURLToPath(new URL("netns_dialer.ts", import.meta.url));
const runProgram = "deno" in process.versions
  ? ["run", "-A", "--quiet", program]
  : ["--no-warnings", "--max-semi-space-size=1", "--max-old-space-size=64", program];

interface Dialer {
  readonly path: string;
  /** Resolves when it listens. */
  readonly ready: Promise<void>;
  end(): void;
  connections: number;
  cancelIdle: () => void;
}

export class NetworkNamespaces {
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #dialers = new Map<string, Dialer>();
  #made = 0;

  /** @param directory where the unix sockets go: short, and nobody else's */
  constructor(clock: Clock, directory: string) {
    this.#clock = clock;
    this.#directory = directory;
  }

  /** To a port of localhost, in the namespace of that process. @throws RuntimeError Refused, Timeout, NotFound */
  async connect(pid: number, port: number, signal?: AbortSignal): Promise<Duplex> {
    const path = `/proc/${pid}/ns/net`;
    const [name, own] = await Promise.all([readlink(path).catch(() => undefined), readlink("/proc/self/ns/net")]);
    if (name === undefined) throw new RuntimeError("NotFound", "the container has ended");
    if (name === own) return await dialLocalhost(port).catch((error) => Promise.reject(new RuntimeError("Refused", error.message)));
    const dialer = this.#dialers.get(name) ?? this.#start(name, path);
    dialer.cancelIdle();
    dialer.connections++;
    const over = (): void => {
      if (--dialer.connections > 0) return;
      dialer.cancelIdle = this.#clock.after(dialerIdleMs, () => dialer.end());
    };
    try {
      await dialer.ready;
      const socket = await this.#dial(dialer.path, port, signal);
      socket.once("close", over);
      return socket;
    } catch (error) {
      over();
      throw error;
    }
  }

  #start(name: string, namespace: string): Dialer {
    const path = join(this.#directory, `${process.pid}-${++this.#made}.sock`);
    const dialer: Dialer = {
      path,
      ready: this.#run(name, namespace, path, (end) => dialer.end = end),
      end() {},
      connections: 0,
      cancelIdle() {},
    };
    dialer.ready.catch(() => {}); // whoever connects hears of it
    this.#dialers.set(name, dialer);
    return dialer;
  }
  async #run(name: string, namespace: string, path: string, endBy: (end: () => void) => void): Promise<void> {
    const forget = (): void => {
      if (this.#dialers.get(name)?.path === path) this.#dialers.delete(name);
    };
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const child = spawn("nsenter", [`--net=${namespace}`, "--", process.execPath, ...runProgram, path], {
      env: withSbin(),
      stdio: ["pipe", "pipe", "pipe"],
    });
    let said = "";
    child.stdin.on("error", () => {}); // it has ended
    child.stderr.on("data", (data) => said = (said + data).slice(0, 1000));
    endBy(() => {
      forget();
      child.stdin.end();
    });
    const ended = new Promise<never>((_, reject) => {
      child.once("error", (cause) => reject(new RuntimeError("Engine", `Cannot enter a pod's network: ${cause.message}`, { cause })));
      child.once(
        "close",
        (code) => reject(new RuntimeError("Engine", `Cannot enter a pod's network: nsenter ended with ${code}: ${said}`)),
      );
    });
    ended.catch(() => {
      forget();
      void rm(path, { force: true });
    });
    await Promise.race([ended, new Promise((resolve) => child.stdout.once("data", resolve))]);
  }

  #dial(path: string, port: number, signal?: AbortSignal): Promise<net.Socket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ path, allowHalfOpen: true });
      let answer = Buffer.alloc(0);
      const finish = (error?: RuntimeError): void => {
        cancel();
        signal?.removeEventListener("abort", gone);
        for (const event of ["data", "end", "error", "close"]) socket.removeAllListeners(event);
        if (!error) return resolve(socket);
        socket.destroy();
        reject(error);
      };
      const gone = (): void => finish(new RuntimeError("Timeout", "nobody waits for it any more"));
      const cancel = this.#clock.after(
        dialMs,
        () => finish(new RuntimeError("Timeout", `localhost:${port} has not answered within ${dialMs} ms`)),
      );
      const refused = (): void => finish(new RuntimeError("Refused", answer.subarray(1).toString() || "the pod's network is gone"));
      signal?.addEventListener("abort", gone, { once: true });
      socket.on("data", (bytes: Buffer) => {
        answer = Buffer.concat([answer, bytes]).subarray(0, 4096);
        if (answer[0] !== 0) return;
        socket.pause();
        const rest = bytes.subarray(1);
        finish();
        if (rest.length > 0) socket.unshift(rest);
      });
      socket.on("end", refused);
      socket.on("error", refused);
      socket.on("close", refused);
      const asked = Buffer.alloc(2);
      asked.writeUInt16BE(port);
      socket.write(asked);
    });
  }
}
