// The members of etcd as one. It keeps to one endpoint for as long as that answers, so that what this master reads does not jump between members, and goes on to
// the next when it does not. A read may be asked again elsewhere. A write is sent once: when no answer comes, nobody knows, and the caller hears Unknown.
import type { ServiceError } from "@grpc/grpc-js";
import { etcdCallMs, etcdConnectMs, etcdReadTryMs, etcdRetryMs } from "../../../shared/limits.ts";
import { type Clock, sleep } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { StoreError } from "../store.ts";
import { Endpoint, type EtcdStream, type EtcdTls } from "./endpoint.ts";
import { judge } from "./errors.ts";
import type { Calls, Streams } from "./protocol.ts";

const reads: ReadonlySet<keyof Calls> = new Set(["range", "status"]);

export class EtcdClient {
  readonly endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  readonly #log: Log;
  /** Position of the endpoint in use. */
  #at = 0;

  constructor({ clock, log }: { clock: Clock; log: Log }, urls: readonly string[], tls: EtcdTls) {
    this.#clock = clock;
    this.#log = log;
    this.endpoints = urls.map((url) => new Endpoint(url, tls, clock));
  }

  /**
   * @param what for the error: "list", "write"
   * @throws StoreError as etcd has refused; NoQuorum: nothing was done; Unknown: a write may have been done
   */
  async call<Name extends keyof Calls>(name: Name, request: Calls[Name][0], what: string): Promise<Calls[Name][1]> {
    const end = this.#clock.monotonic() + etcdCallMs, isRead = reads.has(name);
    let last: unknown;
    for (let tries = 1;; tries++) {
      const endpoint = this.endpoints[this.#at]!, leftMs = end - this.#clock.monotonic();
      if (leftMs <= 0) throw this.#noQuorum(what, last);
      if (await endpoint.ready(Math.min(etcdConnectMs, leftMs))) {
        try {
          return await endpoint.call(name, request, isRead ? Math.min(etcdReadTryMs, leftMs) : etcdCallMs);
        } catch (error) {
          const verdict = judge(error as ServiceError);
          if (verdict.is === "refused") throw new StoreError(verdict.reason, `Cannot ${what}: ${verdict.why}`, { cause: error });
          this.leave(endpoint, error);
          if (verdict.is === "unknown" && !isRead) {
            throw new StoreError("Unknown", `Cannot ${what}: etcd at ${endpoint.url} has not answered, so it may or may not be done`, {
              cause: error,
            });
          }
          last = error;
        }
      } else this.leave(endpoint);
      if (tries % this.endpoints.length === 0) await sleep(this.#clock, etcdRetryMs);
    }
  }

  /** A stream to an endpoint that is connected. Waits until there is one. @throws the signal's reason */
  async open<Name extends keyof Streams>(name: Name, signal: AbortSignal): Promise<{ endpoint: Endpoint; stream: EtcdStream<Name> }> {
    for (let tries = 1;; tries++) {
      const endpoint = this.endpoints[this.#at]!;
      signal.throwIfAborted();
      if (await endpoint.ready(etcdConnectMs)) return { endpoint, stream: endpoint.open(name) };
      this.leave(endpoint);
      if (tries % this.endpoints.length === 0) await sleep(this.#clock, etcdRetryMs, signal);
    }
  }

  /** The next calls go to the next endpoint, if they do not go elsewhere already. */
  leave(endpoint: Endpoint, error?: unknown): void {
    if (this.endpoints[this.#at] !== endpoint) return;
    this.#at = (this.#at + 1) % this.endpoints.length;
    const { url } = endpoint, next = this.endpoints[this.#at]!.url;
    if (url !== next) {
      this.#log.info("etcd does not answer here; going on to the next endpoint", { url, next, ...(error !== undefined && { error }) });
    }
  }

  close(): void {
    for (const endpoint of this.endpoints) endpoint.close();
  }

  #noQuorum(what: string, cause: unknown): StoreError {
    const urls = this.endpoints.map(({ url }) => url).join(", ");
    return new StoreError("NoQuorum", `Cannot ${what}: none of etcd's endpoints answers (${urls})`, { cause });
  }
}
