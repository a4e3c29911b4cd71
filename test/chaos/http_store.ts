// A namespace's ConfigMaps, seen through one member's API, as a store: so that the recorder and the checkers, which know stores, can judge what clients of the
// API see. HTTP tells less than a store does. What it leaves out is 0 here (createRevision, version, the revision that a get or a delete was at) and is put in
// afterwards, from all that was seen (completed.ts).
import { Buffer } from "node:buffer";
import {
  type KeyValue,
  type ListOptions,
  type Range,
  StoreError,
  type StoreEvent,
  type Transaction,
  type WatchBatch,
} from "../../master/store/store.ts";
import type { StoreStatus, TransactionResult } from "../../master/store/store.ts";
import type { Answer, ApiClient, WatchedEvent } from "../kit/api_client.ts";

/** What an answer says of the key besides: of a write whose condition did not hold, in which state it found it. */
export interface HttpResult extends TransactionResult {
  readonly found?: "present" | "absent" | "changed";
}
/** An answer that no client may ever get. */
export class Surprise extends Error {
  override name = "Surprise";
}

/** Stands for the state before an event, which HTTP does not show. */
export const untold: KeyValue = { key: "", value: new Uint8Array(0), createRevision: 0, modRevision: 0, version: 0, lease: 0 };
export const prefixOf = (namespace: string): string => `/r/core/configmaps/${namespace}/`;
/** Milliseconds after which a client gives up; longer than an election. */
const patienceMs = 4_000;

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
}

export class HttpStore {
  readonly #client: ApiClient;
  readonly #prefix: string;
  readonly #path: string;
  /** By revision and last key of the page before. */
  readonly #tokens = new Map<string, string>();

  constructor(client: ApiClient, namespace: string) {
    this.#client = client;
    this.#prefix = prefixOf(namespace);
    this.#path = `/api/v1/namespaces/${namespace}/configmaps`;
  }

  async get(key: string): Promise<{ item: KeyValue | undefined; revision: number }> {
    const answer = await this.#ask("GET", this.#url(key));
    if (answer.status === 404) return { item: undefined, revision: 0 };
    return { item: this.#item(expect(answer, 200)), revision: 0 };
  }

  async list(_prefix: string, { limit = 0, after, revision, serializable }: ListOptions = {}): Promise<Range> {
    const words = new URLSearchParams({ ...(limit > 0 && { limit: `${limit}` }), ...(serializable && { resourceVersion: "0" }) });
    if (after !== undefined) words.set("continue", this.#tokens.get(`${revision} ${after}`)!);
    const body = expect(await this.#ask("GET", `${this.#path}?${words}`), 200);
    const { resourceVersion, continue: token, remainingItemCount = 0 } = body.metadata;
    const items = body.items.map((map: ConfigMap) => this.#item(map)) as KeyValue[], last = items.at(-1);
    if (token && last) this.#tokens.set(`${resourceVersion} ${last.key}`, token);
    return { items, revision: Number(resourceVersion), remaining: remainingItemCount };
  }

  /** Carries out a create (if absent), an update or a delete (if still at a revision), or a write to a key that is always there. */
  async txn({ compares: [compare], then: [operation] }: Transaction): Promise<HttpResult> {
    if (!operation || operation.do === "get") throw new Error("A read is not a write");
    const { key } = operation, url = this.#url(key), resourceVersion = `${compare?.is ?? ""}`;
    if (operation.do === "delete") {
      const answer = await this.#ask("DELETE", url, { body: { preconditions: { resourceVersion } } });
      if (answer.status === 200) return { ...done, revision: 0 };
      return refusedBy(answer);
    }
    const data = { value: Buffer.from(operation.value).toString() }, name = key.slice(this.#prefix.length);
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...(compare?.is !== 0 && { resourceVersion }) }, data };
    const answer = !compare
      ? await this.#ask("PATCH", url, { body: { data }, type: "application/merge-patch+json" })
      : compare.is === 0
      ? await this.#ask("POST", this.#path, { body: map })
      : await this.#ask("PUT", url, { body: map });
    if (answer.status !== 200 && answer.status !== 201) return refusedBy(answer, compare?.is === 0 ? "present" : "changed");
    return { ...done, revision: Number(answer.body.metadata.resourceVersion) };
  }

  async *watch(_prefix: string, from: number, { signal }: { signal: AbortSignal }): AsyncGenerator<WatchBatch> {
    const words = `watch=true&allowWatchBookmarks=true&resourceVersion=${from - 1}`;
    for await (const event of this.#client.watch(`${this.#path}?${words}`, signal)) yield this.#batch(event);
  }
  #batch({ type, object }: WatchedEvent): WatchBatch {
    if (type === "BOOKMARK") return { revision: Number(object.metadata.resourceVersion), events: [] };
    if (type === "ERROR") throw watchEnd(object);
    const current = this.#item(object), { key, modRevision: revision } = current;
    const event: StoreEvent = type === "DELETED"
      ? { type: "delete", key, current, previous: untold }
      : { type: "put", key, current, ...(type === "MODIFIED" && { previous: untold }) };
    return { revision, events: [event] };
  }

  /** The member's compact revision is not to be seen from outside. */
  status(): StoreStatus {
    return { compactRevision: -1 } as StoreStatus;
  }

  #url(key: string): string {
    return `${this.#path}/${key.slice(this.#prefix.length)}`;
  }
  #item({ metadata: { name, resourceVersion }, data = {} }: ConfigMap): KeyValue {
    // Others' ConfigMaps in this namespace (the CA's) have other fields.
    const value = Buffer.from(data.value ?? JSON.stringify(data));
    return { ...untold, key: this.#prefix + name, value, modRevision: Number(resourceVersion) };
  }
  /** @throws StoreError when it was refused, or when nobody knows; Surprise */
  async #ask(method: string, path: string, options: { body?: unknown; type?: string } = {}): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await this.#client.ask(method, path, { ...options, timeoutMs: patienceMs });
    } catch (cause) {
      const nobodyThere = (cause as NodeJS.ErrnoException).code === "ECONNREFUSED";
      throw new StoreError(nobodyThere ? "NotLeader" : "Unknown", `${method} ${path}: no answer`, { cause });
    }
    const { status } = answer;
    if (status === 504) throw new StoreError("Unknown", "the server does not know");
    if (status === 503) throw new StoreError("NoQuorum", "the server is not able to");
    if (status === 429) throw new StoreError("Overloaded", "too many");
    if (status === 507) throw new StoreError("NoSpace", "full");
    if (status < 400 || status === 404 || status === 409) return answer;
    throw new Surprise(`${method} ${path} was answered with ${status}: ${JSON.stringify(answer.body).slice(0, 300)}`);
  }
}

const done = { succeeded: true, time: 0, results: [undefined] } as const;

function refusedBy(answer: Answer, conflict: "present" | "changed" = "changed"): HttpResult {
  return { succeeded: false, revision: 0, time: 0, results: [], found: answer.status === 404 ? "absent" : conflict };
}
// deno-lint-ignore no-explicit-any
function expect(answer: Answer, status: number): any {
  if (answer.status === status) return answer.body;
  throw new Surprise(`A read was answered with ${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`);
}

function watchEnd({ code, message }: { code: number; message: string }): Error {
  const oldest = /^too old resource version: \d+ \((\d+)\)/.exec(message)?.[1];
  if (code === 410 && oldest !== undefined) return new StoreError("Compacted", message, { revision: Number(oldest) });
  if (code === 503 || code === 504) return new StoreError("Closed", message);
  return new Surprise(`A watch ended with ${code}: ${message}`);
}
