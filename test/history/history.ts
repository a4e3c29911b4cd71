// What the clients of a store did and saw, as data: every call with the interval in which it took effect, if it did, and every watch with its batches in the
// order they came. A simulator records it from inside, a chaos test from outside; the checkers read nothing else.
import { Buffer } from "node:buffer";
import type {
  Compare,
  KeyValue,
  ListOptions,
  Operation,
  Range,
  StoreError,
  StoreReason,
  Transaction,
  TransactionResult,
  WatchBatch,
} from "../../master/store/store.ts";

/** A point in one order for all clients: a sequence number is best; of two equal times nobody knows which came first, and nothing is concluded from them. */
export type Moment = number;

export type Outcome<R> =
  | { readonly is: "done"; readonly result: R }
  /** Certain: it has not happened and will not. */
  | { readonly is: "refused"; readonly reason: StoreReason; readonly revision: number }
  /** It may have happened, or may happen at any later time. Also of calls that were never answered. */
  | { readonly is: "unknown" };

interface CallOf<R> {
  /** Unique in the history. */
  readonly id: number;
  readonly client: number;
  readonly invoked: Moment;
  /** When the client had its answer; of an unknown outcome, when it gave up, which says nothing about the store. */
  readonly completed: Moment;
  readonly outcome: Outcome<R>;
}
export type TxnCall = CallOf<TransactionResult> & { readonly kind: "txn"; readonly transaction: Transaction };
export type GetCall = CallOf<{ readonly item: KeyValue | undefined; readonly revision: number }> & {
  readonly kind: "get";
  readonly key: string;
  readonly serializable: boolean;
};
export type ListCall = CallOf<Range> & { readonly kind: "list"; readonly prefix: string; readonly options: ListOptions };
export type Call = TxnCall | GetCall | ListCall;

export interface Delivery {
  readonly at: Moment;
  readonly batch: WatchBatch;
}
export interface WatchStream {
  readonly from: number;
  readonly opened: Moment;
  /** Compact revision of the member when it opened, if the recorder can see it: below it the stream must end with Compacted. */
  readonly compactedAtOpen?: number;
  /** Progress marks among them. */
  readonly deliveries: readonly Delivery[];
  readonly end:
    /** It still ran when the record ended. */
    | { readonly is: "open" }
    /** The client has ended it, or its member died. */
    | { readonly is: "cut" }
    | { readonly is: "compacted"; readonly at: Moment; readonly revision: number };
}
/** One after another, each from where the last one stopped; behind one that ended with Compacted, from anywhere. */
export interface Watch {
  readonly client: number;
  readonly prefix: string;
  readonly streams: readonly WatchStream[];
}
export interface History {
  readonly calls: readonly Call[];
  readonly watches: readonly Watch[];
}

/** One transaction of the replicated log, in the order of the log. */
export interface Committed {
  /** Of the state after it: that of the one before if it wrote nothing. */
  readonly revision: number;
  readonly transaction: Transaction;
  /** The call that asked for it, or "other": nobody in the history. Absent: found by its content, so let clients write unique values. */
  readonly by?: number | "other";
  /** What the state machine made of it. */
  readonly result?: TransactionResult;
  /** A moment at or behind its commit, and before any member answered from it. */
  readonly at?: Moment;
}
export interface Compaction {
  readonly revision: number;
  /** It had no effect anywhere before: when it was asked for, or when it was first applied. */
  readonly at: Moment;
}
/** What the store held before the history begins. */
export interface Initial {
  readonly revision: number;
  readonly items: readonly KeyValue[];
}
/** As in etcd and in mvcc.ts, the empty store is at revision 1. */
export const empty: Initial = { revision: 1, items: [] };

/** What a rejected call tells. Everything but Unknown is said before a proposal leaves, or by the state machine instead of an effect. */
export function outcomeOf<R>(error: StoreError): Outcome<R> {
  return error.reason === "Unknown" ? { is: "unknown" } : { is: "refused", reason: error.reason, revision: error.revision };
}

// In words, for the sentences about what is wrong.

export function nameOf(call: Call): string {
  const end = call.outcome.is === "unknown" ? "…" : call.completed;
  return `${call.kind} #${call.id} of client ${call.client} [${call.invoked}–${end}] (${asked(call)})`;
}

function asked(call: Call): string {
  switch (call.kind) {
    case "get":
      return `${call.serializable ? "serializable " : ""}${call.key}`;
    case "list": {
      const { revision, after, limit, serializable } = call.options;
      const words = [
        serializable && "serializable",
        call.prefix || "all",
        revision !== undefined && `at ${revision}`,
        after !== undefined && `after ${after}`,
        limit && `limit ${limit}`,
      ];
      return words.filter(Boolean).join(" ");
    }
    case "txn":
      return transactionText(call.transaction);
  }
}

export function transactionText({ compares, then, else: otherwise = [] }: Transaction): string {
  const condition = compares.map((compare: Compare) =>
    `${compare.key}.${compare.target} = ${compare.target === "value" ? valueText(compare.is) : compare.is}`
  );
  const branch = (operations: readonly Operation[]): string =>
    operations.map((operation) => `${operation.do} ${operation.key}${operation.do === "put" ? ` = ${valueText(operation.value)}` : ""}`)
      .join(", ");
  return `${condition.length > 0 ? `if ${condition.join(" and ")} then ` : ""}${branch(then)}${
    otherwise.length > 0 ? ` else ${branch(otherwise)}` : ""
  }`;
}

export function itemText(item: KeyValue | undefined): string {
  if (!item) return "nothing";
  const { key, value, modRevision, createRevision, version, lease } = item;
  return `${key} = ${valueText(value)} (modRevision ${modRevision}, createRevision ${createRevision}, version ${version}, lease ${lease})`;
}

function valueText(value: Uint8Array): string {
  const text = Buffer.from(value.subarray(0, 24)).toString("latin1").replace(/[^ -~]/g, "·");
  return JSON.stringify(text) + (value.length > 24 ? `… ${value.length} bytes` : "");
}
