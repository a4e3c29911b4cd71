// How an object is born, changes, and goes. Pure: decides, never writes. Words and rules are those of apiserver's registry/rest (create.go, update.go,
// delete.go), with the pod's grace period of pkg/registry/core/pod.
import { sameJson } from "../../shared/api/json.ts";
import type { ObjectMeta } from "../../shared/api/meta.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { DeleteOptions } from "./face.ts";

/** Any object while it is worked on. */
export interface Draft extends KubernetesObject {
  metadata: ObjectMeta;
  spec?: Readonly<Record<string, unknown>>;
  status?: Readonly<Record<string, unknown>>;
}

/** RFC 3339 with whole seconds, as metav1.Time. */
export const timestamp = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
const isPod = (kind: Kind): boolean => kind.group === "" && kind.plural === "pods";
const isNamespace = (kind: Kind): boolean => kind.group === "" && kind.plural === "namespaces";
const countsGenerations = (kind: Kind): boolean => kind.generation ?? Object.hasOwn(kind.schema.fields, "spec");

/** A new object as it enters admission: identity and time are the server's, status is not the client's to say. */
export function bear(kind: Kind, given: Draft, server: { uid: string; name: string; now: number }): Draft {
  const { resourceVersion: _, selfLink: _1, deletionTimestamp: _2, deletionGracePeriodSeconds: _3, generation: _4, ...metadata } =
    given.metadata;
  const object: Draft = {
    ...given,
    metadata: {
      ...metadata,
      name: server.name,
      uid: server.uid,
      creationTimestamp: timestamp(server.now),
      ...(countsGenerations(kind) && { generation: 1 }),
    },
  };
  if (kind.status) delete object.status;
  return object;
}

/**
 * What a write makes of the stored object, before admission. Without subresource: all but status. "status": status alone, and for the system itself
 * (agents' reports) the annotations that say how old it is; for who applies, whose fields are whose. Another subresource: whatever its code has put into `given`.
 */
export function revise(kind: Kind, old: Draft, given: Draft, how: { subresource?: string; system: boolean; applied?: boolean }): Draft {
  if (how.subresource === "status") {
    const { annotations: _, ...metadata } = old.metadata;
    const annotations = how.system ? given.metadata.annotations : old.metadata.annotations;
    const managedFields = how.applied ? given.metadata.managedFields : metadata.managedFields;
    const { status: _1, ...rest } = old;
    return {
      ...rest,
      metadata: { ...metadata, ...(annotations && { annotations }), ...(managedFields && { managedFields }) },
      ...(given.status && { status: given.status }),
    };
  }
  const { resourceVersion: _, selfLink: _1, ...metadata } = given.metadata;
  const object: Draft = { ...given, metadata: { ...metadata, ...serverOwned(old.metadata) } };
  if (metadata.managedFields === undefined && old.metadata.managedFields) object.metadata.managedFields = old.metadata.managedFields;
  if (kind.status && how.subresource === undefined) {
    if (old.status === undefined) delete object.status;
    else object.status = old.status;
  }
  return object;
}
function serverOwned(old: ObjectMeta): ObjectMeta {
  const kept: ObjectMeta = {};
  for (
    const field of [
      "name",
      "namespace",
      "uid",
      "creationTimestamp",
      "generation",
      "deletionTimestamp",
      "deletionGracePeriodSeconds",
    ] as const
  ) {
    if (old[field] !== undefined) (kept as Record<string, unknown>)[field] = old[field];
  }
  return kept;
}

/** Is there nothing to write? The times in managedFields do not count: they would make every repeated apply a write. */
export function unchanged(old: Draft, next: Draft): boolean {
  return sameJson(comparable(old), comparable(next));
}
function comparable({ metadata: { resourceVersion: _, managedFields, ...metadata }, apiVersion: _1, kind: _2, ...rest }: Draft): unknown {
  return { ...rest, metadata, managedFields: managedFields?.map(({ time: _, ...entry }) => entry) };
}

/** The generation of `next`: one more when anything outside metadata and status has changed. */
export function generationOf(kind: Kind, old: Draft, next: Draft): number | undefined {
  if (!countsGenerations(kind)) return undefined;
  // A custom resource without /status has a status that is a field like others.
  const desired = ({ metadata: _, apiVersion: _1, kind: _2, status, ...rest }: Draft) =>
    kind.definition && !kind.status ? { ...rest, status } : rest;
  return (old.metadata.generation ?? 0) + (sameJson(desired(old), desired(next)) ? 0 : 1);
}

/** Who must still let go of it: finalizers, and of a Namespace those of its spec, which go through /finalize. */
const holders = (kind: Kind, object: Draft): number =>
  (object.metadata.finalizers?.length ?? 0) + (isNamespace(kind) ? (object.spec?.finalizers as string[] | undefined)?.length ?? 0 : 0);

/** Does this state of a terminating object mean that it goes now? */
export const finishes = (kind: Kind, object: Draft): boolean =>
  object.metadata.deletionTimestamp !== undefined && !object.metadata.deletionGracePeriodSeconds && holders(kind, object) === 0;

export type Deletion =
  | { readonly do: "remove" }
  /** Write this: it is terminating now, or sooner than before. */
  | { readonly do: "mark"; readonly object: Draft }
  /** It is terminating already, and this request changes nothing about it. */
  | { readonly do: "wait" };

/** `now` in ms. A second request may only shorten the grace period. */
export function planDelete(kind: Kind, old: Draft, options: DeleteOptions, now: number): Deletion {
  const { metadata } = old;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options.propagationPolicy);
  const { finalizers: _, ...rest } = metadata;
  let marked: Draft = { ...old, metadata: { ...rest, ...(finalizers.length > 0 && { finalizers }) } };
  if (kind.dying && metadata.deletionTimestamp === undefined) {
    marked = structuredClone(marked);
    kind.dying(marked, timestamp(now));
  }
  const running = metadata.deletionTimestamp === undefined ? undefined : metadata.deletionGracePeriodSeconds ?? 0;
  const asked = options.gracePeriodSeconds === undefined ? undefined : options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
  const grace = running === undefined ? graceOf(kind, old, asked) : Math.min(running, asked ?? running);
  if (grace === 0 && holders(kind, marked) === 0) return { do: "remove" };

  if (running === undefined) {
    marked.metadata.deletionTimestamp = timestamp(now + grace * 1000);
    if (metadata.generation !== undefined) marked.metadata.generation = metadata.generation + 1;
  } else {
    if (grace === running && sameJson(finalizers, metadata.finalizers ?? [])) return { do: "wait" };
    marked.metadata.deletionTimestamp = timestamp(Date.parse(metadata.deletionTimestamp!) + (grace - running) * 1000);
  }
  marked.metadata.deletionGracePeriodSeconds = grace;
  return { do: "mark", object: marked };
}

/** Seconds. Only Pods end gracefully, and only where somebody runs them. */
function graceOf(kind: Kind, object: Draft, asked: number | undefined): number {
  if (!isPod(kind)) return 0;
  const { spec, status } = object;
  if (!spec?.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
  const grace = asked ?? (spec.terminationGracePeriodSeconds as number | undefined) ?? 30;
  return grace < 0 ? 1 : grace;
}

/** The garbage collector's two finalizers say what becomes of the dependents; no policy leaves what an earlier request has said. */
function finalizersFor(finalizers: readonly string[], policy: DeleteOptions["propagationPolicy"]): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter((name) => name !== "orphan" && name !== "foregroundDeletion");
  if (policy === "Orphan") return [...others, "orphan"];
  if (policy === "Foreground") return [...others, "foregroundDeletion"];
  return others;
}
