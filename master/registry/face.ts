// The registry as its users see it: objects of any kind over the store's bytes. Between HTTP's verbs and the store's keys.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { ApiError } from "../../shared/api/status.ts";
import type { Fields, Labels } from "../../shared/api/selector.ts";
import type { Claim } from "./claim.ts";

/** One stored object: header and bytes as they lie in the store, the object parsed on first touch. Never changed by anybody. */
export interface Stored<T = KubernetesObject> {
  readonly kind: Kind<T>;
  readonly namespace: string; // "" when cluster-scoped
  readonly name: string;
  readonly uid: string;
  /** The resourceVersion. Of a DELETED event: the revision of the deletion. */
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Values of the kind's selectable fields. */
  readonly fields: Readonly<Record<string, string>>;
  readonly ownerUids: readonly string[];
  readonly deleting: boolean;
  /** With metadata.resourceVersion. Treat it as frozen: it is shared. Copy with structuredClone before changing. */
  readonly object: T;
  /** The object's JSON with apiVersion, kind and resourceVersion, made once. */
  bytes(): Uint8Array;
}

/** What the registry itself works with: it may compare bytes, and take a copy of its own to change. */
export interface Mine<T> extends Stored<T> {
  readonly value: Uint8Array;
  copy(): T;
}

export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}
/** How somebody writes. */
/** Who writes. */
export interface Author {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
export interface WriteOptions {
  readonly dryRun?: boolean;
  /** For managedFields: ?fieldManager, else the first word of the User-Agent. */
  readonly fieldManager?: string;
  /** "Apply": the object comes with its managedFields as they are to be. */
  readonly operation?: "Apply";
  /** Which part is written. Without: all but status; "status": status alone; others as the kind's subresource says. */
  readonly subresource?: string;
  /** Who writes, for admission (node restriction) and audit. Absent: the system itself. */
  readonly user?: Author;
  /** Gets what the client should know although it is no error. */
  readonly warn?: (words: string) => void;
  /** Looks at the object as it would be stored; an error refuses. The last step of admission: what depends on who writes, and not on the object alone. */
  readonly vet?: (
    change: { readonly kind: Kind; readonly object: KubernetesObject; readonly old?: KubernetesObject | undefined },
  ) => ApiError | undefined;
  /** Carried out at most once: who asks again gets what came of it the first time. */
  readonly once?: Once;
  /** What else is to be true, and to be written, in the transaction that writes (or, `gone`, deletes) the object at that key. */
  readonly note?: (key: string, gone: boolean) => Promise<Claim>;
}
/** A write that its user may repeat without knowing what has become of it. */
export interface Once {
  /** Names it among all that its user writes: his Idempotency-Key. */
  readonly key: string;
  /** What is asked for, as a digest: the same key with another request is a mistake of the client's. */
  request(): string;
}
export interface ListQuery {
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly fields?: Fields;
  readonly limit?: number;
  readonly continue?: string;
  /** As the client said: undefined = newest; "0" = any; n with match. */
  readonly resourceVersion?: string;
  readonly match?: "Exact" | "NotOlderThan";
}
export interface Page<T> {
  readonly items: readonly Stored<T>[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}
export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly stored: Stored<T>; readonly revision: number }
  | { readonly type: "BOOKMARK"; readonly revision: number };

/** Every method @throws ApiError in Kubernetes' words. Objects given in are not kept and not changed. */
export interface Registry {
  create<T>(kind: Kind<T>, object: T, how?: WriteOptions): Promise<Stored<T>>;
  get<T>(kind: Kind<T>, key: ObjectKey, options?: { serializable?: boolean }): Promise<Stored<T>>;
  list<T>(kind: Kind<T>, query?: ListQuery): Promise<Page<T>>;
  /** PUT: the whole object. Its resourceVersion, if set, must be the stored one. A write that changes nothing is not written. */
  update<T>(kind: Kind<T>, object: T, how?: WriteOptions): Promise<Stored<T>>;
  /**
   * Reads, gives `change` a copy to change or to make another object of, writes; again while others write in between (at most 5 times). What it returns is
   * written, or the copy as it is then, if it returns nothing; without a change nothing is. This is how PATCH and the controllers write.
   */
  modify<T>(kind: Kind<T>, key: ObjectKey, change: (object: T) => T | undefined | void, how?: WriteOptions): Promise<Stored<T>>;
  /** `gone`: it is deleted. Otherwise it only carries a deletionTimestamp now (grace period, finalizers). */
  delete<T>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions, how?: WriteOptions): Promise<{ stored: Stored<T>; gone: boolean }>;
  /**
   * Events after `from` in revision order (`from` undefined: the current objects as ADDED, a BOOKMARK at their revision, then live).
   * An object that enters the selector is ADDED, one that leaves it DELETED. Batches are whole revisions. Ends with the signal. @throws ApiError Expired
   */
  watch<T>(
    kind: Kind<T>,
    query: { namespace?: string; labels?: Labels; fields?: Fields; from?: number; progress?: boolean },
    signal: AbortSignal,
  ): AsyncIterable<readonly WatchEvent<T>[]>;
  /** Newest revision this member has applied. */
  revision(): number;
}
