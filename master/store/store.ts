// The face of the store: bytes under keys, at revisions. It knows no kinds. Every write is one revision, and that revision is what the API calls resourceVersion.
import { leaseTtlSeconds } from "../../shared/limits.ts";

export interface KeyValue {
  readonly key: string;
  /** Never changed once it is here: the same bytes serve lists, watches and snapshots. */
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes to this key since it was created. */
  readonly version: number;
  /** Lease that deletes the key when it ends; 0 = none. */
  readonly lease: number;
}

export interface Range {
  readonly items: readonly KeyValue[];
  /** The revision that this range shows: for a first page the newest, for the following pages the same. */
  readonly revision: number;
  /** Items behind the last one of this page. */
  readonly remaining: number;
}

export interface ListOptions {
  /** Show the state at this revision. @throws StoreError Compacted, Future */
  readonly revision?: number;
  readonly limit?: number;
  /** Only keys behind this one. */
  readonly after?: string;
  /** Answer from this member's applied state without asking the leader (`resourceVersion=0`). */
  readonly serializable?: boolean;
}

export type Compare =
  | { readonly key: string; readonly target: "modRevision" | "createRevision" | "version"; readonly is: number } // 0: the key is not there
  | { readonly key: string; readonly target: "value"; readonly is: Uint8Array };
export type Operation =
  | { readonly do: "put"; readonly key: string; readonly value: Uint8Array; readonly lease?: number }
  | { readonly do: "delete"; readonly key: string }
  | { readonly do: "get"; readonly key: string };
export interface Transaction {
  readonly compares: readonly Compare[];
  readonly then: readonly Operation[];
  readonly else?: readonly Operation[];
}
export interface TransactionResult {
  readonly succeeded: boolean;
  /** Revision of the state after it; a transaction that writes nothing has no revision of its own. */
  readonly revision: number;
  /** Log time of the entry (ms since 1970): the only time that may go into objects. */
  readonly time: number;
  /** One per operation of the branch taken: what a get found, what a delete or put replaced. */
  readonly results: readonly (KeyValue | undefined)[];
}

export interface StoreEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  /** The new state; of a delete, the key with `modRevision` of the deletion and the last value. */
  readonly current: KeyValue;
  /** The state before; undefined when the key was created, or when history no longer has it. */
  readonly previous?: KeyValue;
}
/** All events of one revision of interest to the watcher, or a progress mark without any: everything up to `revision` has been delivered. */
export interface WatchBatch {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}

export interface StoreStatus {
  readonly clusterId: string;
  /** Compared for equality only; a new one after restore and force-new-cluster. 16 hex digits. */
  readonly clusterEpoch: string;
  readonly memberId: number;
  readonly leaderId: number;
  readonly term: number;
  readonly appliedIndex: number;
  readonly revision: number;
  readonly compactRevision: number;
  /** Log time of the last applied entry, ms since 1970. */
  readonly time: number;
  readonly liveBytes: number;
  readonly keys: number;
}

export interface Store {
  get(key: string, options?: { serializable?: boolean }): Promise<{ item: KeyValue | undefined; revision: number }>;
  list(prefix: string, options?: ListOptions): Promise<Range>;
  /** Acknowledged means durable on a quorum. @throws StoreError TooLarge, NoSpace, NotLeader, NoQuorum, Unknown */
  txn(transaction: Transaction): Promise<TransactionResult>;
  /**
   * Every event of keys under `prefix` with revision ≥ `from`, whole revisions together, strictly increasing, none missing, none twice; progress marks in
   * between, in order. Ends when the signal aborts. `from` in the future stays silent until reached. @throws StoreError Compacted when from ≤ compactRevision
   */
  watch(prefix: string, from: number, options: { signal: AbortSignal; progress?: boolean }): AsyncIterable<WatchBatch>;
  compact(revision: number): Promise<void>;
  grant(ttlSeconds: number): Promise<{ lease: number }>;
  keepAlive(lease: number): Promise<void>;
  revoke(lease: number): Promise<void>;
  status(): StoreStatus;
  /** Runs `work` while this member leads, once a term, with that term's signal. Resolves when `signal` has aborted and the work has stopped. */
  lead(name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Stops taking writes, makes everything durable, closes the files. */
  close(): Promise<void>;
}

export type StoreReason =
  | "Compacted"
  | "Future"
  | "TooLarge"
  | "NoSpace"
  | "NotLeader"
  | "NoQuorum"
  | "Overloaded"
  | "Unknown"
  | "Closed"
  | "Invalid";

export class StoreError extends Error {
  override name = "StoreError";
  readonly reason: StoreReason;
  /** For Compacted: the compact revision. For Future: the current revision. */
  readonly revision: number;
  constructor(reason: StoreReason, message: string, options: { revision?: number; cause?: unknown } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.reason = reason;
    this.revision = options.revision ?? 0;
  }
}

/** @throws StoreError Invalid */
export function mustBeTtl(ttlSeconds: number): void {
  if (ttlSeconds > 0 && ttlSeconds <= leaseTtlSeconds) return;
  throw new StoreError("Invalid", `Cannot grant a lease of ${ttlSeconds} seconds: it must be more than 0 and at most ${leaseTtlSeconds}`);
}
