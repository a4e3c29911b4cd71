// Reads, and what every answer of etcd tells besides: which etcd it is, and how far.
import { etcdPageItems } from "../../../shared/limits.ts";
import { type KeyValue, type ListOptions, type Range, StoreError } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import type { Header, RangeRequest, RangeResponse } from "./protocol.ts";
import { itemOf } from "./transaction.ts";

interface ReadsNeeds {
  readonly client: EtcdClient;
  readonly keys: Keys;
  /** The etcd cluster that we belong to. */
  readonly etcd: number;
  /** Called with what makes it impossible to go on. */
  fail(error: Error): void;
}

export class Reads {
  readonly #needs: ReadsNeeds;
  readonly #window: { readonly revision: number; readonly compactRevision: number };
  #highest = 0;

  constructor(needs: ReadsNeeds, window: { readonly revision: number; readonly compactRevision: number }) {
    this.#needs = needs;
    this.#window = window;
  }

  /** The newest revision that etcd has told this master of. */
  get highest(): number {
    return Math.max(this.#highest, this.#window.revision);
  }

  async get(key: string, serializable = false): Promise<{ item: KeyValue | undefined; revision: number }> {
    const { keys } = this.#needs, { header, kvs } = await this.#range({ key: keys.ofKey(key), serializable });
    return { item: itemOf(keys, kvs[0]), revision: header.revision };
  }

  /** In requests of bounded size, all at the revision of the first. */
  async list(prefix: string, options: ListOptions): Promise<Range> {
    const { keys } = this.#needs, limit = options.limit !== undefined && options.limit > 0 ? options.limit : Infinity;
    const items: KeyValue[] = [];
    let revision = options.revision, after = options.after;
    for (;;) {
      const { header, kvs, count } = await this.#range({
        ...keys.rangeOf(prefix, after),
        limit: Math.min(etcdPageItems, limit - items.length),
        revision: revision ?? 0,
        serializable: (options.serializable ?? false) && revision === undefined,
      });
      revision ??= header.revision;
      for (const kv of kvs) items.push(itemOf(keys, kv));
      const remaining = count - kvs.length;
      if (remaining === 0 || items.length >= limit) return { items, revision, remaining };
      after = items.at(-1)!.key;
    }
  }

  /**
   * A serializable read is this endpoint's own state. The endpoint may be another one than before, and behind; we promise what this master has seen, so then
   * the leader is asked.
   */
  async #range(request: RangeRequest): Promise<RangeResponse> {
    const before = this.highest;
    const answer = await this.#ask(request);
    if (request.serializable && answer.header.revision < before) return await this.#range({ ...request, serializable: false });
    this.heard(answer.header, before);
    return answer;
  }

  async #ask(request: RangeRequest): Promise<RangeResponse> {
    try {
      return await this.#needs.client.call("range", request, request.revision ? `read at revision ${request.revision}` : "read");
    } catch (error) {
      if (!(error instanceof StoreError) || (error.reason !== "Compacted" && error.reason !== "Future")) throw error;
      const { compactRevision } = this.#window;
      const revision = error.reason === "Compacted" ? Math.max(compactRevision, request.revision! + 1) : this.highest;
      throw new StoreError(error.reason, error.message, { revision, cause: error });
    }
  }

  /** Of an answer to what was asked when `before` was the newest revision: nothing but a restored backup makes etcd go back. */
  heard(header: Header, before: number): void {
    this.mustBeOurs(header);
    if (header.revision < before) {
      throw this.#fatal(
        `etcd has gone back from revision ${before} to ${header.revision}, as after a restored backup. Start this master again`,
      );
    }
    this.#highest = Math.max(this.#highest, header.revision);
  }

  mustBeOurs({ clusterId }: Header): void {
    if (clusterId === this.#needs.etcd) return;
    throw this.#fatal(
      "one of the endpoints is another etcd cluster than the one this master started with. Check --etcd, and start it again",
    );
  }

  #fatal(what: string): StoreError {
    const error = new StoreError("Closed", `Cannot go on: ${what}`);
    this.#needs.fail(error);
    return error;
  }
}
