// What the masters are there for: clients that create, update, delete, read, list and watch a handful of ConfigMaps at whichever member they find, and note all
// that they see. Who is not answered goes on elsewhere; what it had asked for has an unknown outcome for ever.
import { Buffer } from "node:buffer";
import { type KeyValue, StoreError, type Transaction } from "../../master/store/store.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { TxnCall } from "../history/history.ts";
import { type RecordedWatch, Recorder } from "../history/recorder.ts";
import { type HttpStore, prefixOf, Surprise } from "./http_store.ts";
import { pause } from "../kit/eventually.ts";

export const namespace = "chaos";
const prefix = prefixOf(namespace);
/** Few, so that they get into each other's way. */
const comers = Array.from({ length: 6 }, (_, at) => `${prefix}comer-${at}`);
/** Always there, and written without a condition. */
export const stayers = Array.from({ length: 3 }, (_, at) => `${prefix}stayer-${at}`);
/** Written when somebody wants to know whether a member takes writes. */
export const marker = `${prefix}marker`;
export const isOurs = (key: string): boolean => comers.includes(key) || stayers.includes(key) || key === marker;
const callers = 14, watchers = 4;
/** Milliseconds between two calls of one client, at most. */
const thinkMs = 60;

/** What lives longer than one round. */
export class Memory {
  values = 0;
  /** The newest that anybody has seen of each key: what a careful writer compares with. */
  readonly known = new Map<string, number>();
}

export class Clients {
  readonly recorder = new Recorder();
  /** What no client may ever be told. */
  readonly problems: string[] = [];
  acknowledged = 0;
  /** Milliseconds without an acknowledged write, the longest. */
  longestGapMs = 0;
  readonly #stores: readonly HttpStore[];
  readonly #memory: Memory;
  readonly #random: Random;
  readonly #calling = new AbortController();
  readonly #watching = new AbortController();
  readonly #watches: RecordedWatch[] = [];
  #callers: Promise<unknown> = Promise.resolve();
  #watchers: Promise<unknown> = Promise.resolve();
  #lastAck = performance.now();

  constructor(stores: readonly HttpStore[], memory: Memory, random: Random) {
    this.#stores = stores;
    this.#memory = memory;
    this.#random = random;
  }

  /** @param from revision that the watches begin with */
  start(from: number): void {
    this.#callers = Promise.all(Array.from({ length: callers }, (_, at) => this.#call(at)));
    this.#watchers = Promise.all(Array.from({ length: watchers }, (_, at) => this.#watch(callers + at, from)));
  }
  /** Resolves when every call has ended. */
  async stopCalling(): Promise<void> {
    this.#calling.abort();
    await this.#callers;
    this.#noteGap();
  }
  async stopWatching(): Promise<void> {
    this.#watching.abort();
    await this.#watchers;
  }
  /** Every watch has told everything up to this revision. */
  areAt(revision: number): boolean {
    return this.#watches.every(({ next }) => next > revision);
  }
  /** Writes the marker at this member. @returns its revision @throws StoreError when that is not acknowledged */
  async mark(client: number, store: HttpStore): Promise<number> {
    const { revision } = await this.recorder.txn(client, store, { compares: [], then: [this.#put(client, marker)] });
    this.#noteGap();
    return revision;
  }

  async #call(client: number): Promise<void> {
    while (!this.#calling.signal.aborted) {
      await pause(this.#random() * thinkMs);
      try {
        await this.#ask(client, this.#pick(this.#stores));
      } catch (error) {
        if (error instanceof StoreError) continue;
        this.problems.push(error instanceof Surprise ? error.message : `${(error as Error).stack}`);
      }
    }
  }

  async #ask(client: number, store: HttpStore): Promise<void> {
    const { recorder } = this,
      dice = this.#random(),
      key = this.#pick(dice < 0.25 ? stayers : comers),
      known = this.#memory.known.get(key) ?? 0;
    const put = this.#put(client, key);
    switch (Math.floor(this.#random() * 8)) {
      case 0:
      case 1:
        return this.#saw(key, (await recorder.get(client, store, key)).item);
      case 2:
        return await this.#list(client, store);
      default:
        if (stayers.includes(key)) return await this.#write(client, store, key, { compares: [], then: [put] });
        if (known === 0) {
          return await this.#write(client, store, key, { compares: [{ key, target: "createRevision", is: 0 }], then: [put] });
        }
        return await this.#write(client, store, key, {
          compares: [{ key, target: "modRevision", is: known }],
          then: [this.#random() < 0.25 ? { do: "delete", key } : put],
        });
    }
  }

  async #write(client: number, store: HttpStore, key: string, transaction: Transaction): Promise<void> {
    const { succeeded, revision } = await this.recorder.txn(client, store, transaction);
    if (!succeeded) return this.#saw(key, (await this.recorder.get(client, store, key)).item);
    this.#noteGap();
    this.acknowledged++;
    this.#memory.known.set(key, revision); // of a delete 0: it is not there
  }

  async #list(client: number, store: HttpStore): Promise<void> {
    if (this.#random() < 0.25) return void await this.recorder.list(client, store, prefix, { serializable: true });
    const limit = Math.floor(this.#random() * 5), first = await this.recorder.list(client, store, prefix, { limit });
    for (const item of first.items) this.#saw(item.key, item);
    const after = first.items.at(-1)?.key;
    if (first.remaining > 0 && after !== undefined) await this.recorder.list(client, store, prefix, { after, revision: first.revision });
  }

  /** Goes on where it stopped, mostly at another member, now and then for no reason. */
  async #watch(client: number, from: number): Promise<void> {
    const watch = this.recorder.watch(client, prefix, from), ended = this.#watching.signal;
    this.#watches.push(watch);
    while (!ended.aborted) {
      const moved = new AbortController(), timer = setTimeout(() => moved.abort(), 200 + this.#random() * 6_000);
      const end = (): void => moved.abort();
      ended.addEventListener("abort", end, { once: true });
      try {
        // History that is gone stays gone: what comes next is judged, what lies between is not.
        if (await watch.run(this.#pick(this.#stores), { signal: moved.signal })) watch.next = await this.#newest();
      } catch (error) {
        if (error instanceof Surprise || error instanceof SyntaxError) this.problems.push(error.message);
        await pause(50);
      }
      clearTimeout(timer);
      ended.removeEventListener("abort", end);
    }
    watch.cut();
  }
  async #newest(): Promise<number> {
    return 1 + (await this.#pick(this.#stores).list(prefix)).revision;
  }

  #put(client: number, key: string) {
    const size = this.#random() < 0.02 ? 100_000 : this.#random() < 0.1 ? 5_000 : 20 + this.#random() * 300;
    return { do: "put", key, value: Buffer.from(`${client}.${++this.#memory.values} `.padEnd(size, "x")) } as const;
  }
  #saw(key: string, item: KeyValue | undefined): void {
    this.#memory.known.set(key, item?.modRevision ?? 0);
  }
  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }
  #noteGap(): void {
    const now = performance.now();
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAck);
    this.#lastAck = now;
  }
}

/** Writes of an earlier round that may still be made, under numbers that no call of this one has. */
export const carriedOver = (open: readonly TxnCall[]): TxnCall[] =>
  open.map((call, at) => ({ ...call, id: -1 - at, invoked: -1, completed: Infinity }));
