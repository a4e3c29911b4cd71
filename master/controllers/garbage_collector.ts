// Objects go after their owners. An owner reference is matched by uid; uids are never used twice, and no object can name the uid of one that was made after
// it was looked at, so an owner that the cache does not have is gone for good, and nobody else needs to be asked.
//   Background: the owner goes at once, and what it leaves behind is found here.
//   Foreground: the owner carries the finalizer foregroundDeletion until those dependents are gone whose reference says blockOwnerDeletion.
//   Orphan:     the owner carries the finalizer orphan until no dependent names it any more.
import type { OwnerReference } from "../../shared/api/meta.ts";
import type { KubernetesObject } from "../../shared/api/resource.ts";
import { deletesAtOnce } from "../../shared/limits.ts";
import type { Cache } from "../registry/cache.ts";
import type { DeleteOptions, Stored } from "../registry/face.ts";
import type { Context, Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";
import { forEachParallel } from "./parallel.ts";

const foreground = "foregroundDeletion", orphan = "orphan";

/** What an owner reference stands for: an owner; none; one that goes as soon as its dependents are gone; one that cannot own this. */
export type Standing = "alive" | "absent" | "waiting" | "misplaced";

/** Pure. `known`: is there such a kind? Of one that is not, nothing can be said, and nothing is deleted. */
export function standing(
  { uid, apiVersion, kind, name }: OwnerReference,
  dependent: Pick<Stored, "namespace" | "kind">,
  owner: Pick<Stored, "uid" | "kind" | "namespace" | "name" | "deleting" | "object"> | undefined,
  known: (group: string, kind: string) => boolean,
): Standing {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (!owner) return known(group, kind) ? "absent" : "alive";
  if (owner.uid !== uid || owner.kind.kind !== kind || owner.kind.group !== group || owner.name !== name) return "absent";
  if (owner.kind.namespaced && owner.namespace !== dependent.namespace) return "misplaced";
  return owner.deleting && finalizersOf(owner).includes(foreground) ? "waiting" : "alive";
}

export type Fate =
  | { readonly do: "keep" }
  /** Somebody else still owns it; these references stand for nobody. */
  | { readonly do: "forget"; readonly uids: readonly string[] }
  | { readonly do: "delete"; readonly propagationPolicy: DeleteOptions["propagationPolicy"] };

/** Pure: what becomes of an object with such owners. */
export function fateOf(
  references: readonly { readonly uid: string; readonly standing: Standing }[],
  own: { readonly namespaced: boolean; readonly finalizers: readonly string[]; readonly hasDependents: boolean },
): Fate {
  // A cluster-wide object cannot be owned from within a namespace; that is a mistake, and no reason to delete it.
  const stays = ({ standing }: { standing: Standing }): boolean => standing === "alive" || (standing === "misplaced" && !own.namespaced);
  const leaving = references.filter((reference) => !stays(reference));
  if (leaving.length === 0) return { do: "keep" };
  if (leaving.length < references.length) return { do: "forget", uids: leaving.map(({ uid }) => uid) };
  const waited = own.hasDependents && leaving.some(({ standing }) => standing === "waiting");
  const propagationPolicy = own.finalizers.includes(orphan)
    ? "Orphan"
    : own.finalizers.includes(foreground) || waited
    ? "Foreground"
    : "Background";
  return { do: "delete", propagationPolicy };
}

const metadataOf = ({ object }: Pick<Stored, "object">) => (object as KubernetesObject).metadata ?? {};
const finalizersOf = (stored: Pick<Stored, "object">): readonly string[] => metadataOf(stored).finalizers ?? [];
const referencesOf = (stored: Pick<Stored, "object">): readonly OwnerReference[] => metadataOf(stored).ownerReferences ?? [];
/** Is one of its owners gone, going, or out of reach? From headers alone: it is asked for every object. */
const isSuspect = ({ ownerUids, namespace }: Stored, cache: Cache): boolean =>
  ownerUids.some((uid) => {
    const owner = cache.byUid(uid);
    return !owner || owner.deleting || (owner.kind.namespaced && owner.namespace !== namespace);
  });
const isWaiting = (stored: Stored): boolean => stored.deleting && finalizersOf(stored).includes(foreground);
/** What owns itself does not wait for itself. */
const dependentsOf = ({ uid }: Stored, cache: Cache): Stored[] => [...cache.owned(uid)].filter((dependent) => dependent.uid !== uid);

/** Its keys are uids. */
export const garbageCollector: Controller = {
  name: "garbage-collector",
  *keysOf({ before, after }, cache) {
    if (!after) { for (const { uid } of cache.owned(before!.uid)) yield uid; }
    else if (after.deleting) yield after.uid;
    for (const uid of new Set([...before?.ownerUids ?? [], ...after?.ownerUids ?? []])) if (cache.byUid(uid)?.deleting) yield uid;
    // New owners are looked at once, also for their names, which stand in no header.
    if (after && after.ownerUids.length > 0 && (before?.ownerUids.join() !== after.ownerUids.join() || isSuspect(after, cache))) {
      yield after.uid;
    }
  },
  *allKeys(cache) {
    for (const kind of cache.kinds.stored) {
      for (const object of cache.list(kind)) if (object.deleting || isSuspect(object, cache)) yield object.uid;
    }
  },
  async reconcile(uid, context) {
    const object = context.cache.byUid(uid);
    if (!object) return;
    if (object.deleting) await finalise(object, context);
    else if (object.ownerUids.length > 0) await attend(object, context);
  },
};

/** Of an object that its owners may take along. */
async function attend(object: Stored, { cache, registry, recorder }: Context): Promise<void> {
  const known = knownTo(cache);
  const references = referencesOf(object).map((reference) => ({
    uid: reference.uid,
    reference,
    standing: standing(reference, object, cache.byUid(reference.uid), known),
  }));
  const dependents = dependentsOf(object, cache);
  const fate = fateOf(references, {
    namespaced: object.kind.namespaced,
    finalizers: finalizersOf(object),
    hasDependents: dependents.length > 0,
  });
  for (const { reference: { apiVersion, kind, name, uid }, standing } of references) {
    if (standing !== "misplaced") continue;
    const owner = `[${apiVersion}/${kind}, namespace: ${object.namespace}, name: ${name}, uid: ${uid}]`;
    const message = `ownerRef ${owner} does not exist in namespace "${object.namespace}"`;
    recorder.record(object, "Warning", "OwnerRefInvalidNamespace", message);
  }
  if (fate.do === "keep") return;
  if (fate.do === "forget") return await forget([object], fate.uids, registry);
  // It waits for one that waits for it, and one of the two must not. The change comes back, and then it is deleted.
  const blocks = referencesOf(object).some(({ blockOwnerDeletion }) => blockOwnerDeletion);
  if (fate.propagationPolicy === "Foreground" && blocks && dependents.some(isWaiting)) return await unblock(object, registry);
  // Somebody may just be giving it another owner. Then the revision differs, and it is looked at again.
  const preconditions = { uid: object.uid, resourceVersion: String(object.revision) };
  await registry.delete(object.kind, object, { preconditions, propagationPolicy: fate.propagationPolicy! })
    .catch(unless("NotFound", "Conflict"));
}

/** Of an object on its way out that waits for its dependents, or must be forgotten by them first. */
async function finalise(owner: Stored, context: Context): Promise<void> {
  const { cache, registry } = context, finalizers = finalizersOf(owner);
  if (finalizers.includes(orphan)) {
    await forget(dependentsOf(owner, cache), [owner.uid], registry);
    await withdraw(owner, orphan, registry);
  } else if (finalizers.includes(foreground)) {
    const staying = dependentsOf(owner, cache).filter(({ deleting }) => !deleting);
    const error = await forEachParallel(staying, deletesAtOnce, (one) => attend(one, context));
    if (error !== undefined) throw error;
    // Those that have just been deleted come back as changes, and then this is looked at again.
    const blocks = (one: Stored): boolean =>
      referencesOf(one).some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion);
    if (!dependentsOf(owner, cache).some(blocks)) await withdraw(owner, foreground, registry);
  }
}

/** Is there such a kind, in any version? */
function knownTo({ kinds }: Cache): (group: string, kind: string) => boolean {
  return (group, name) => kinds.served.some((kind) => kind.kind === name && kind.group === group);
}

async function forget(dependents: readonly Stored[], owners: readonly string[], registry: Context["registry"]): Promise<void> {
  const error = await forEachParallel(
    dependents,
    deletesAtOnce,
    ({ kind, namespace, name, uid }) =>
      registry.modify(kind, { namespace, name }, (object: KubernetesObject) => {
        if (object.metadata?.uid !== uid) return;
        const left = object.metadata.ownerReferences?.filter((reference) => !owners.includes(reference.uid)) ?? [];
        if (left.length > 0) object.metadata.ownerReferences = left;
        else delete object.metadata.ownerReferences;
      }).catch(unless("NotFound")),
  );
  if (error !== undefined) throw error;
}

async function unblock({ kind, namespace, name }: Stored, registry: Context["registry"]): Promise<void> {
  await registry.modify(kind, { namespace, name }, (object: KubernetesObject) => {
    for (const reference of object.metadata?.ownerReferences ?? []) if (reference.blockOwnerDeletion) reference.blockOwnerDeletion = false;
  }).catch(unless("NotFound"));
}

async function withdraw({ kind, namespace, name, uid }: Stored, finalizer: string, registry: Context["registry"]): Promise<void> {
  await registry.modify(kind, { namespace, name }, (object: KubernetesObject) => {
    if (object.metadata?.uid !== uid || !object.metadata.finalizers) return;
    object.metadata.finalizers = object.metadata.finalizers.filter((other) => other !== finalizer);
  }).catch(unless("NotFound"));
}
