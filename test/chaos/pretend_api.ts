// A namespace's ConfigMaps behind an API that only pretends: slow, forgetful in what it answers, right in what it does, unless it is told to have a bug.
import { Buffer } from "node:buffer";
import type { KeyValue, Transaction } from "../../master/store/store.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { Answer, ApiClient, AskOptions, WatchedEvent } from "../kit/api_client.ts";
import { pause } from "../kit/eventually.ts";
import { NaiveStore } from "../kit/naive_store.ts";
import { namespace } from "./clients.ts";
import { prefixOf } from "./http_store.ts";

export const bugs = [
  "stale get",
  "stale list",
  "lost write",
  "lost delete",
  "refused and made",
  "made twice",
  "false conflict",
  "false absence",
  "watch leaves out",
  "watch repeats",
  "watch shows another value",
  "watch takes a change for a creation",
  "bookmark before events",
] as const;
export type Bug = (typeof bugs)[number];

const prefix = prefixOf(namespace);
const ok = (status: number, body: unknown = {}): Answer => ({ status, headers: {}, body });
const shown = ({ key, value, modRevision }: KeyValue) => ({
  metadata: { name: key.slice(prefix.length), resourceVersion: `${modRevision}` },
  data: { value: Buffer.from(value).toString() },
});

export class PretendApi {
  readonly store = new NaiveStore();
  readonly #random: Random;
  readonly #bug: Bug | undefined;

  constructor(random: Random, bug?: Bug) {
    this.#random = random;
    this.#bug = bug;
  }
  client(): ApiClient {
    return {
      ask: (method: string, path: string, options: AskOptions = {}) => this.#ask(method, path, options),
      watch: (path: string, signal: AbortSignal) => this.#watch(path, signal),
    } as ApiClient;
  }

  /** Whether the bug shows now. */
  #has(bug: Bug): boolean {
    return this.#bug === bug && this.#random() < 0.2;
  }
  async #ask(method: string, path: string, { body }: AskOptions): Promise<Answer> {
    await pause(this.#random() * 5);
    if (this.#random() < 0.02) return ok(503);
    // Somebody else writes something else.
    if (this.#random() < 0.1) this.store.txn({ compares: [], then: [{ do: "put", key: "/other", value: Buffer.from("x") }] });
    const answer = method === "GET" ? this.#read(path) : this.#write(method, path, body);
    await pause(this.#random() * 5);
    if (this.#random() < 0.02) throw new Error("the answer was lost");
    return answer;
  }

  #read(path: string): Answer {
    const { pathname, searchParams } = new URL(path, "http://api"), name = pathname.split("/")[6], { revision } = this.store;
    if (name !== undefined) {
      const item = this.store.at(this.#has("stale get") ? revision - 5 : revision).find(({ key }) => key === prefix + name);
      return item && !this.#has("false absence") ? ok(200, shown(item)) : ok(404);
    }
    const [at, after] = searchParams.get("continue")?.split(" ") ?? [], limit = Number(searchParams.get("limit") ?? Infinity);
    const lags = searchParams.get("resourceVersion") === "0" || this.#has("stale list");
    const shows = at !== undefined ? Number(at) : lags ? Math.max(2, revision - 4) : revision;
    const all = this.store.at(shows).filter(({ key }) => key.startsWith(prefix) && (after === undefined || key > after));
    const items = all.slice(0, limit), remainingItemCount = all.length - items.length;
    const metadata = {
      resourceVersion: `${shows}`,
      ...(remainingItemCount > 0 && { remainingItemCount, continue: `${shows} ${items.at(-1)!.key}` }),
    };
    return ok(200, { metadata, items: items.map(shown) });
  }

  // deno-lint-ignore no-explicit-any
  #write(method: string, path: string, body: any): Answer {
    const key = prefix + (path.split("/")[6] ?? body.metadata.name), wanted = (body.metadata ?? body.preconditions)?.resourceVersion;
    const is = method === "POST" ? 0 : Number(wanted), put = { do: "put", key, value: Buffer.from(body.data?.value ?? "") } as const;
    const transaction: Transaction = {
      compares: method === "PATCH" ? [] : [{ key, target: "modRevision", is }],
      then: [method === "DELETE" ? { do: "delete", key } : put],
    };
    if (this.#has("false conflict") && method !== "PATCH") return ok(409);
    if (this.#has(method === "DELETE" ? "lost delete" : "lost write")) {
      return ok(200, { metadata: { resourceVersion: `${this.store.revision + 1}` } });
    }
    const { succeeded, revision } = this.store.txn(transaction);
    if (!succeeded) return ok(method !== "POST" && !this.store.now().some((item) => item.key === key) ? 404 : 409);
    if (this.#has("refused and made")) return ok(503);
    if (method === "PATCH" && this.#has("made twice")) this.store.txn(transaction);
    return ok(200, { metadata: { resourceVersion: `${revision}` } });
  }

  async *#watch(path: string, signal: AbortSignal): AsyncGenerator<WatchedEvent> {
    let from = Number(new URL(path, "http://api").searchParams.get("resourceVersion"));
    for (; !signal.aborted && this.#random() < 0.99; await pause(this.#random() * 10)) {
      const until = this.store.revision;
      if (this.#has("bookmark before events")) yield { type: "BOOKMARK", object: { metadata: { resourceVersion: `${until}` } } };
      for (const { revision, type, key, current, previous } of this.store.events) {
        if (revision <= from || revision > until || !key.startsWith(prefix) || this.#has("watch leaves out")) continue;
        const object = shown(current), isNew = !previous || this.#has("watch takes a change for a creation");
        if (this.#has("watch shows another value")) object.data.value = `${object.data.value} `;
        const event = { type: type === "delete" ? "DELETED" : isNew ? "ADDED" : "MODIFIED", object };
        yield event;
        if (this.#has("watch repeats")) yield event;
      }
      from = until;
      if (this.#random() < 0.1) yield { type: "BOOKMARK", object: { metadata: { resourceVersion: `${from}` } } };
    }
  }
}
