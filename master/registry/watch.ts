// Watches: the store's events as the watcher's selector sees them. An object that enters the selector is ADDED, one that leaves it DELETED.
import type { Kind } from "../../shared/api/resource.ts";
import type { KeyValue, Store, StoreEvent } from "../store/store.ts";
import { decode } from "./codec.ts";
import { translate, translated } from "./errors.ts";
import type { Stored, WatchEvent } from "./face.ts";
import { type Selection, type Selector, selector } from "./select.ts";

/** The store hands the very same KeyValue to all watchers of a change: a thousand of them decode it and splice its bytes once. */
export class Recent {
  readonly #stored = new WeakMap<KeyValue, Stored>();

  decode(kind: Kind, item: KeyValue): Stored {
    let stored = this.#stored.get(item);
    if (stored?.kind !== kind) this.#stored.set(item, stored = decode(kind, item));
    return stored;
  }
}

type Query = Selection & { readonly from?: number; readonly progress?: boolean };
type Batch = readonly WatchEvent<Stored["object"]>[];

/** @throws ApiError Expired when `from` is compacted away, also later, when the watcher was slower than compaction */
export async function* watchObjects(store: Store, recent: Recent, kind: Kind, query: Query, signal: AbortSignal): AsyncGenerator<Batch> {
  const selected = selector(kind, query);
  let from = query.from;
  if (from === undefined) {
    const { items, revision } = await translated(store.list(selected.prefix));
    const present = items.map((item) => decode(kind, item)).filter((stored) => selected.matches(stored));
    if (present.length > 0) yield present.map((stored) => ({ type: "ADDED", stored, revision: stored.revision }));
    yield [{ type: "BOOKMARK", revision }];
    from = revision;
  }
  const options = { signal, ...(query.progress !== undefined && { progress: query.progress }) };
  try {
    for await (const { revision, events } of store.watch(selected.prefix, from + 1, options)) {
      const seen = events.flatMap((event) => see(recent, kind, selected, event));
      if (seen.length > 0) yield seen;
      else if (query.progress) yield [{ type: "BOOKMARK", revision }];
    }
  } catch (error) {
    throw translate(error, from);
  }
}

function see(recent: Recent, kind: Kind, selected: Selector, event: StoreEvent): Batch {
  const { current, previous } = event, revision = current.modRevision;
  const stored = recent.decode(kind, current);
  const after = event.type === "put" && (selected.all || selected.matches(stored));
  // A state before that compaction has taken may have matched: then DELETED, and a watcher that never knew the object ignores it.
  const before = previous === undefined
    ? event.type === "delete" ? selected.matches(stored) : current.createRevision !== revision
    : selected.all || selected.matches(recent.decode(kind, previous));
  if (!after) return before ? [{ type: "DELETED", stored, revision }] : [];
  return [{ type: before ? "MODIFIED" : "ADDED", stored, revision }];
}
