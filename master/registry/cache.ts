// A list+watch mirror of all kinds with indexes. Controllers, scheduler and fleet read here and write through the registry.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { Log } from "../../shared/util/log.ts";
import { type Range, type Store, StoreError, type StoreEvent } from "../store/store.ts";
import { decode, objectsPrefix, parseKey, prefixOf, resourceOf } from "./codec.ts";
import { definitions, definitionsPrefix, learn } from "./definitions.ts";
import type { Stored } from "./face.ts";
import { CacheIndex } from "./cache_index.ts";
import { KindSet } from "./kind_set.ts";

export interface Change<T = KubernetesObject> {
  readonly kind: Kind<T>;
  /** Undefined: it was created. */
  readonly before?: Stored<T>;
  /** Undefined: it is gone. */
  readonly after?: Stored<T>;
}

/** Its iterables are live: use them before the next await, or copy. */
export interface Cache {
  /** Those whose objects are in here, and whatever else is served. */
  readonly kinds: KindSet;
  get<T>(kind: Kind<T>, namespace: string, name: string): Stored<T> | undefined;
  list<T>(kind: Kind<T>, namespace?: string): Iterable<Stored<T>>;
  /** How many list() has. */
  count(kind: Kind, namespace?: string): number;
  byUid(uid: string): Stored | undefined;
  /** Objects of any kind that name this uid among their owners. */
  owned(ownerUid: string): Iterable<Stored>;
  /** Objects whose selectable field has this value, e.g. (pods, "spec.nodeName", "pi-7"). Indexed. */
  byField<T>(kind: Kind<T>, field: string, value: string): Iterable<Stored<T>>;
  /** Called for every change, in revision order, after the indexes show it. Must not throw and must not wait. */
  subscribe(observer: (change: Change) => void): () => void;
  /** Everything up to this revision is in. */
  readonly revision: number;
  /** Resolves when everything up to `revision` is in: what a writer waits for before it trusts its reads again. */
  waitFor(revision: number, signal: AbortSignal): Promise<void>;
}

/**
 * Resolves when everything that is in the store now is in the cache; without a leader, when everything is that this member has. `stopped` resolves when the
 * signal has ended it, and rejects when it can go on no longer: it must not be read then.
 */
export async function startCache(
  { store, kinds, log }: { store: Store; kinds: readonly Kind[]; log: Log },
  signal: AbortSignal,
): Promise<Cache & { readonly stopped: Promise<void> }> {
  const mirror = new Mirror(store, kinds, log);
  await mirror.relist();
  const stopped = mirror.run(signal);
  stopped.catch(() => {}); // its owner looks at it when he gets to it
  return Object.assign(mirror, { stopped });
}

class Mirror implements Cache {
  readonly #store: Store;
  readonly kinds: KindSet;
  readonly #log: Log;
  readonly #index = new CacheIndex();
  /** Kinds that have just come. */
  readonly #unread = new Set<Kind>();
  readonly #observers = new Set<(change: Change) => void>();
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>();
  #revision = 0;

  constructor(store: Store, kinds: readonly Kind[], log: Log) {
    this.#store = store;
    this.kinds = new KindSet(kinds);
    this.#log = log;
  }
  get revision(): number {
    return this.#revision;
  }
  get<T>(kind: Kind<T>, namespace: string, name: string): Stored<T> | undefined {
    return this.#index.get(resourceOf(kind), namespace, name) as Stored<T> | undefined;
  }
  list<T>(kind: Kind<T>, namespace?: string): Iterable<Stored<T>> {
    return this.#index.list(resourceOf(kind), namespace) as Iterable<Stored<T>>;
  }
  count(kind: Kind, namespace?: string): number {
    return this.#index.count(resourceOf(kind), namespace);
  }
  byUid(uid: string): Stored | undefined {
    return this.#index.byUid(uid);
  }
  owned(ownerUid: string): Iterable<Stored> {
    return this.#index.owned(ownerUid);
  }
  byField<T>(kind: Kind<T>, field: string, value: string): Iterable<Stored<T>> {
    return this.#index.byField(resourceOf(kind), field, value) as Iterable<Stored<T>>;
  }
  subscribe(observer: (change: Change) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }
  waitFor(revision: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#revision >= revision) return resolve();
      if (signal.aborted) return reject(signal.reason);
      const stop = () => {
        this.#waiting.delete(entry);
        reject(signal.reason);
      };
      const entry = {
        revision,
        resolve: () => {
          signal.removeEventListener("abort", stop);
          resolve();
        },
      };
      this.#waiting.add(entry);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        // Progress marks, because revisions that touched no object must pass too.
        for await (const batch of this.#store.watch(objectsPrefix, this.#revision + 1, { signal, progress: true })) {
          this.#fold(batch.revision, batch.events.flatMap((event) => this.#changeOf(event)));
          if (this.#unread.size > 0) await this.#fetch();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError && error.reason === "Compacted")) throw error;
        this.#log.warn("Cache fell behind compaction, listing everything again", {
          revision: this.#revision,
          compactRevision: error.revision,
        });
        await this.relist();
      }
    }
  }

  /** Makes the mirror equal to the newest state, telling observers the difference. */
  async relist(): Promise<void> {
    const { items, revision } = await this.#newest();
    // First of all, so that their objects are read by them. All there are are at hand: nothing has to be fetched.
    const defined = items.filter(({ key }) => key.startsWith(definitionsPrefix)).map((item) => decode(definitions, item));
    const names = new Set(defined.map(({ name }) => name));
    this.#learn([...defined, ...[...this.kinds.definitions].filter((name) => !names.has(name))]);
    this.#unread.clear();
    const gone = new Set(this.#index.all());
    const changes: Change[] = [];
    for (const item of items) {
      const kind = this.#kindOf(item.key);
      if (!kind) continue;
      const after = decode(kind, item), before = this.#index.get(resourceOf(kind), after.namespace, after.name);
      if (before) gone.delete(before);
      if (before?.revision !== after.revision) changes.push({ kind, after, ...(before && { before }) });
    }
    // What has gone goes first, so that no observer sees an address or a name held twice.
    this.#fold(revision, [...[...gone].map((before): Change => ({ kind: before.kind, before })), ...changes]);
  }

  /** As the leader confirms it; where nobody leads, as this member has it, which is what it would go on with had it lost its leader later. */
  async #newest(): Promise<Range> {
    try {
      return await this.#store.list(objectsPrefix);
    } catch (error) {
      if (!(error instanceof StoreError && error.reason === "NoQuorum")) throw error;
      const range = await this.#store.list(objectsPrefix, { serializable: true });
      this.#log.warn("Nobody leads: the cache begins with what this member has", { revision: range.revision });
      return range;
    }
  }

  #changeOf(event: StoreEvent): Change[] {
    const kind = this.#kindOf(event.current.key);
    if (!kind) return [];
    const { namespace, name } = parseKey(event.current.key);
    const before = this.#index.get(resourceOf(kind), namespace, name);
    if (event.type === "put") return [{ kind, after: decode(kind, event.current), ...(before && { before }) }];
    return before ? [{ kind, before }] : [];
  }
  #learn(said: readonly (Stored | string)[]): void {
    if (said.length === 0) return;
    for (const kind of learn(said, { kinds: this.kinds, index: this.#index, log: this.#log })) this.#unread.add(kind);
  }
  /** Objects that lay there before their definition came, or came back. */
  async #fetch(): Promise<void> {
    for (const kind of this.#unread) {
      try {
        const { items } = await this.#store.list(prefixOf(kind), { serializable: true });
        const older = items.filter(({ modRevision }) => modRevision <= this.#revision); // of others the watch will tell
        this.#unread.delete(kind);
        this.#fold(this.#revision, older.map((item) => ({ kind, after: decode(kind, item) })));
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.#log.warn("Cannot look for objects of a new kind yet", { kind: kind.plural, error }); // with the next batch
      }
    }
  }
  #kindOf(key: string): Kind | undefined {
    return this.kinds.storedAs(parseKey(key).resource);
  }

  /** One revision whole: observers see the indexes with all of it in. */
  #fold(revision: number, changes: readonly Change[]): void {
    for (const { before, after } of changes) this.#index.replace(before, after);
    this.#learn(changes.flatMap(({ kind, before, after }) => kind === definitions ? [after ?? before!.name] : []));
    this.#revision = Math.max(this.#revision, revision);
    for (const change of changes) for (const observer of this.#observers) observer(change);
    for (const entry of this.#waiting) {
      if (entry.revision > this.#revision) continue;
      this.#waiting.delete(entry);
      entry.resolve();
    }
  }
}
