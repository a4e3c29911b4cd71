// Templates that a controller once had, kept as ControllerRevisions: what `kubectl rollout history` shows and `undo` goes back to. Which one is current is
// told by its content alone; one that becomes current again gets the newest number.
import { type ControllerRevision, controllerRevisions } from "../../shared/api/kinds/controller_revision.ts";
import type { PodTemplateSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import type { LabelSelector } from "../../shared/api/meta.ts";
import { sameJson } from "../../shared/api/json.ts";
import type { Cache } from "../registry/cache.ts";
import type { Registry, Stored } from "../registry/face.ts";
import { unless } from "./expected_errors.ts";
import { nameHash, ownerReference } from "./pods_of.ts";

export type StoredRevision = Stored<ControllerRevision>;
const hashLabel = "controller-revision-hash";

interface Owner extends
  Stored<{
    metadata?: { annotations?: Record<string, string> };
    spec?: { selector?: LabelSelector; template?: PodTemplateSpec; revisionHistoryLimit?: number };
  }> {}

/** A strategic merge patch that puts this template in the place of another. */
const dataOf = (template: PodTemplateSpec | undefined) => ({ spec: { template: { ...template, $patch: "replace" } } });

/** Of the template the owner has now: what its pods carry as controller-revision-hash. `collisions`: how often such a name was somebody else's. */
export const templateHash = (template: PodTemplateSpec | undefined, collisions: number): string =>
  nameHash(`${JSON.stringify(template)} ${collisions || ""}`, 10);

export const historyOf = (owner: Pick<Stored, "uid">, cache: Cache): StoredRevision[] =>
  ([...cache.owned(owner.uid)] as unknown as StoredRevision[]).filter(({ kind }) => kind.plural === "controllerrevisions")
    .sort((a, b) => a.object.revision - b.object.revision);

export interface HistoryPlan {
  readonly current: StoredRevision | undefined;
  readonly hash: string;
  /** There is none of this template yet. */
  readonly create?: ControllerRevision;
  /** The current one is not the newest: it becomes so under this number. */
  readonly renumber?: number;
  readonly remove: readonly StoredRevision[];
}

/** Pure. `inUse`: hashes that some pod still carries. */
export function planHistory(owner: Owner, history: readonly StoredRevision[], inUse: ReadonlySet<string>, collisions: number): HistoryPlan {
  const { template, selector, revisionHistoryLimit = 10 } = owner.object.spec!, data = dataOf(template), newest = history.at(-1);
  const current = history.findLast((revision) => sameJson(revision.object.data, data)), next = (newest?.object.revision ?? 0) + 1;
  const old = history.filter((revision) => revision !== current && !inUse.has(revision.labels[hashLabel] ?? ""));
  const remove = old.slice(0, Math.max(0, old.length - revisionHistoryLimit));
  const hash = current?.labels[hashLabel] ?? templateHash(template, collisions);
  if (current) return { current, hash, remove, ...(current !== newest && { renumber: next }) };
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...annotations } = owner.object.metadata?.annotations ?? {};
  const create = {
    metadata: {
      name: `${owner.name.slice(0, 200)}-${hash}`,
      namespace: owner.namespace,
      labels: { ...template?.metadata?.labels, ...selector?.matchLabels, [hashLabel]: hash },
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    data,
    revision: next,
  } as unknown as ControllerRevision;
  return { current, hash, remove, create };
}

/** @returns "collision" if the name of the new one is somebody else's */
export async function keepHistory(owner: Owner, plan: HistoryPlan, registry: Registry): Promise<"done" | "collision"> {
  const { create, renumber, current, remove } = plan;
  await Promise.all(
    remove.map((old) =>
      registry.delete(controllerRevisions, old, { preconditions: { uid: old.uid } }).catch(unless("NotFound", "Conflict"))
    ),
  );
  if (current && renumber !== undefined) {
    await registry.modify(controllerRevisions, current, (object) => void (object.revision = renumber)).catch(unless("NotFound"));
  }
  if (!create) return "done";
  try {
    await registry.create(controllerRevisions, create);
    return "done";
  } catch (error) {
    unless("AlreadyExists")(error);
    const found = await registry.get(controllerRevisions, { namespace: owner.namespace, name: create.metadata!.name! });
    return found.ownerUids.includes(owner.uid) && sameJson(found.object.data, create.data) ? "done" : "collision";
  }
}
