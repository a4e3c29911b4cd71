// A list+watch mirror of all kinds with indexes. Controllers, scheduler and fleet read here and write through the registry.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { Stored } from "./registry.ts";

export interface Change<T = KubernetesObject> {
  readonly kind: Kind<T>;
  /** Undefined: it was created. */
  readonly before?: Stored<T>;
  /** Undefined: it is gone. */
  readonly after?: Stored<T>;
}

export interface Cache {
  get<T>(kind: Kind<T>, namespace: string, name: string): Stored<T> | undefined;
  list<T>(kind: Kind<T>, namespace?: string): Iterable<Stored<T>>;
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
