// Words to write histories with. A span is [invoked, completed].
import type { KeyValue, ListOptions, Operation, StoreEvent, Transaction } from "../../master/store/store.ts";
import type { Call, Committed, Delivery, GetCall, History, ListCall, Outcome, TxnCall, Watch, WatchStream } from "./history.ts";

type Span = readonly [invoked: number, completed: number];
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let ids = 0;
const frame = (client: number, [invoked, completed]: Span) => ({ id: ++ids, client, invoked, completed });

export function item(key: string, value: string, modRevision: number, createRevision = modRevision, version = 1): KeyValue {
  return { key, value: bytes(value), modRevision, createRevision, version, lease: 0 };
}
export const put = (key: string, value: string): Operation => ({ do: "put", key, value: bytes(value) });
export const remove = (key: string): Operation => ({ do: "delete", key });
export const plain = (...then: Operation[]): Transaction => ({ compares: [], then });
/** Puts the key if it is still at that revision. */
export const swap = (key: string, modRevision: number, value: string): Transaction => ({
  compares: [{ key, target: "modRevision", is: modRevision }],
  then: [put(key, value)],
});

export function txn(
  client: number,
  span: Span,
  transaction: Transaction,
  outcome: Outcome<TxnCall["outcome"] extends Outcome<infer R> ? R : never>,
): TxnCall {
  return { ...frame(client, span), kind: "txn", transaction, outcome };
}
/** Acknowledged, with these results; `time` is the revision's. */
export const done = (revision: number, results: readonly (KeyValue | undefined)[] = [undefined], succeeded = true) => ({
  is: "done" as const,
  result: { succeeded, revision, time: revision, results },
});
export const unknown = { is: "unknown" as const };
export const refused = { is: "refused" as const, reason: "NotLeader" as const, revision: 0 };

export function get(client: number, span: Span, key: string, revision: number, found?: KeyValue, serializable = false): GetCall {
  return { ...frame(client, span), kind: "get", key, serializable, outcome: { is: "done", result: { item: found, revision } } };
}
export function list(
  client: number,
  span: Span,
  prefix: string,
  revision: number,
  items: readonly KeyValue[],
  options: ListOptions = {},
  remaining = 0,
): ListCall {
  return { ...frame(client, span), kind: "list", prefix, options, outcome: { is: "done", result: { items, revision, remaining } } };
}

export const history = (...calls: Call[]): History => ({ calls, watches: [] });
export const log = (...transactions: Transaction[]): Committed[] =>
  transactions.map((transaction, at) => ({ revision: at + 2, transaction }));

export const created = (current: KeyValue): StoreEvent => ({ type: "put", key: current.key, current });
export const changed = (previous: KeyValue, current: KeyValue): StoreEvent => ({ type: "put", key: current.key, current, previous });
export const deleted = (previous: KeyValue, revision: number): StoreEvent => ({
  type: "delete",
  key: previous.key,
  current: { ...previous, modRevision: revision },
  previous,
});
/** A batch, or a mark when there are no events. */
export const batch = (at: number, revision: number, ...events: StoreEvent[]): Delivery => ({ at, batch: { revision, events } });
export const stream = (from: number, deliveries: readonly Delivery[], more: Partial<WatchStream> = {}): WatchStream => ({
  from,
  opened: 0,
  deliveries,
  end: { is: "open" },
  ...more,
});
export const watch = (prefix: string, ...streams: WatchStream[]): Watch => ({ client: 9, prefix, streams });
