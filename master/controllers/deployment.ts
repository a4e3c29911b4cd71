// Pods from a template, replaced little by little when the template changes. A Deployment owns one ReplicaSet per template it has had; a rollout moves
// replicas from the old ones to the new one, within its bounds. Which one is new is told by the template alone.
import { type Deployment, deployments } from "../../shared/api/kinds/deployment.ts";
import type { PodTemplateSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import { type ReplicaSet, replicaSets } from "../../shared/api/kinds/replicaset.ts";
import { sameJson } from "../../shared/api/json.ts";
import { fromLabelSelector, matchLabels } from "../../shared/api/selector.ts";
import { type Context, type Controller, keyOf, splitKey } from "./controller.ts";
import { bounds, type StoredDeployment, type StoredReplicaSet } from "./deployment_bounds.ts";
import { deploymentStatus, progressDeadline } from "./deployment_status.ts";
import { controllerOf, nameHash, ownerReference } from "./pods_of.ts";
import { isNamespaceEnding, unless } from "./expected_errors.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const templateHashLabel = "pod-template-hash";
/** Annotations of the Deployment that its ReplicaSets do not take over: they are the tools' or their own. */
const notCopied = [revisionAnnotation, desiredAnnotation, "kubectl.kubernetes.io/last-applied-configuration"];

export interface DeploymentPlan {
  /** The ReplicaSet of a template that has none yet. */
  readonly create?: ReplicaSet;
  /** New sizes. A set whose size stays is not here. */
  readonly scale: readonly { readonly set: StoredReplicaSet; readonly replicas: number }[];
  readonly remove: readonly StoredReplicaSet[];
  /** What the new set and the Deployment should carry as their revision. */
  readonly revision: number;
  readonly current: StoredReplicaSet | undefined;
}

const replicasOf = (set: StoredReplicaSet): number => set.object.spec?.replicas ?? 0;
const revisionOf = (stored: { readonly object: { metadata?: { annotations?: Record<string, string> } } }): number =>
  Number(stored.object.metadata?.annotations?.[revisionAnnotation] ?? 0) || 0;
const total = (sets: readonly StoredReplicaSet[], count: (set: StoredReplicaSet) => number): number =>
  sets.reduce((sum, set) => sum + count(set), 0);
const availableOf = (set: StoredReplicaSet): number => set.object.status?.availableReplicas ?? 0;

/** Pure. `sets`: those the Deployment controls. `stillRunning`: pods of such a set that have not ended, also those that are about to. */
export function planDeployment(
  deployment: StoredDeployment,
  sets: readonly StoredReplicaSet[],
  stillRunning: (set: StoredReplicaSet) => number,
): DeploymentPlan {
  const { spec, status } = deployment.object,
    replicas = spec!.replicas ?? 1,
    oldestFirst = sets.toSorted((a, b) => revisionOf(a) - revisionOf(b) || a.revision - b.revision);
  const current = oldestFirst.find((set) => sameTemplate(set.object.spec!.template!, spec!.template!));
  const old = oldestFirst.filter((set) => set !== current), newestOld = Math.max(0, ...old.map(revisionOf));
  const revision = current && revisionOf(current) > newestOld ? revisionOf(current) : newestOld + 1;
  const none = { scale: [], remove: [], revision, current };
  if (deployment.deleting) return none;
  if (spec!.paused) return { ...none, scale: current || sets.length > 0 ? proportional(deployment.object, sets) : [] };

  const recreates = spec!.strategy?.type === "Recreate";
  // Nothing of the new runs beside the old: not even while the old is about to end.
  const busy = recreates && total(old, (set) => Math.max(replicasOf(set), set.object.status?.replicas ?? 0, stillRunning(set))) > 0;
  if (!current) {
    const size = recreates ? replicas : Math.min(replicas, roomFor(deployment.object, sets));
    const create = newReplicaSet(deployment, size, revision, status?.collisionCount ?? 0);
    return { ...none, ...(!busy && { create }), scale: recreates ? resize(old, 0) : [] };
  }
  const scale = recreates ? (busy ? resize(old, 0) : resize([current], replicas)) : roll(deployment.object, current, old);
  return { ...none, scale, remove: superfluous(deployment.object, old) };
}

const resize = (sets: readonly StoredReplicaSet[], replicas: number) =>
  sets.filter((set) => replicasOf(set) !== replicas).map((set) => ({ set, replicas }));

/** How many pods may be added now. */
function roomFor(deployment: Deployment, sets: readonly StoredReplicaSet[]): number {
  const { replicas = 1 } = deployment.spec!;
  return Math.max(0, replicas + bounds(deployment).surge - total(sets, replicasOf));
}

/** One step of a rolling update: first what can be added, then what can be taken away without going below the bound. */
function roll(deployment: Deployment, current: StoredReplicaSet, old: readonly StoredReplicaSet[]): DeploymentPlan["scale"] {
  const { replicas = 1 } = deployment.spec!,
    { unavailable } = bounds(deployment),
    scale: { set: StoredReplicaSet; replicas: number }[] = [];
  const wanted = replicasOf(current) >= replicas
    ? replicas
    : Math.min(replicas, replicasOf(current) + roomFor(deployment, [current, ...old]));
  if (wanted !== replicasOf(current)) scale.push({ set: current, replicas: wanted });

  const leastAvailable = replicas - unavailable, notYet = Math.max(0, wanted - availableOf(current));
  // Pods of the old sets that may go: everything beyond the bound, the unavailable ones first, since they serve nobody.
  let mayGo = total(old, replicasOf) + wanted - leastAvailable - notYet;
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]));
  const takeFrom = (set: StoredReplicaSet, most: number): void => {
    const taken = Math.max(0, Math.min(most, mayGo, sizes.get(set)!));
    sizes.set(set, sizes.get(set)! - taken);
    mayGo -= taken;
  };
  for (const set of old) takeFrom(set, Math.max(0, replicasOf(set) - availableOf(set)));
  mayGo = Math.min(
    mayGo,
    total([current], availableOf) + total(old, (set) => Math.min(sizes.get(set)!, availableOf(set))) - leastAvailable,
  );
  for (const set of old) takeFrom(set, Infinity);
  for (const [set, replicas] of sizes) if (replicas !== replicasOf(set)) scale.push({ set, replicas });
  return scale;
}

/** While paused the template waits, but the size does not: every set gets its share of the change. */
function proportional(deployment: Deployment, sets: readonly StoredReplicaSet[]): DeploymentPlan["scale"] {
  const { replicas = 1 } = deployment.spec!, active = sets.filter((set) => replicasOf(set) > 0);
  if (active.length === 0) return resize(sets.slice(-1), replicas);
  if (active.length === 1) return resize(active, replicas);
  const now = total(active, replicasOf), allowed = replicas > 0 ? replicas + bounds(deployment).surge : 0;
  if (now <= allowed && now >= replicas) return [];
  let left = allowed;
  const largestFirst = active.toSorted((a, b) => replicasOf(b) - replicasOf(a));
  return largestFirst.flatMap((set, i) => {
    const share = i === largestFirst.length - 1 ? left : Math.min(left, Math.round(replicasOf(set) * allowed / now));
    left -= share;
    return share === replicasOf(set) ? [] : [{ set, replicas: share }];
  });
}

/** Old sets beyond the history that is kept, oldest first; only what is empty may go. */
function superfluous(deployment: Deployment, old: readonly StoredReplicaSet[]): StoredReplicaSet[] {
  const { revisionHistoryLimit = 10 } = deployment.spec!;
  const empty = old.filter((set) => replicasOf(set) === 0 && (set.object.status?.replicas ?? 0) === 0 && !set.deleting);
  return old.length <= revisionHistoryLimit ? [] : empty.slice(0, old.length - revisionHistoryLimit);
}

/** Equal but for the label that tells ReplicaSets apart. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  const bare = ({ metadata, spec }: PodTemplateSpec) => {
    const { [templateHashLabel]: _, ...labels } = metadata?.labels ?? {};
    return { labels, annotations: metadata?.annotations ?? {}, spec };
  };
  return sameJson(bare(a), bare(b));
}

function newReplicaSet(deployment: StoredDeployment, replicas: number, revision: number, collisions: number): ReplicaSet {
  const { spec, metadata } = structuredClone(deployment.object), template = spec!.template;
  const hash = nameHash(`${JSON.stringify(template)} ${collisions || ""}`, 10);
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  return {
    metadata: {
      name: `${deployment.name}-${hash}`,
      namespace: deployment.namespace,
      labels,
      annotations: annotationsFor(metadata?.annotations, {}, revision, spec!.replicas ?? 1),
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas,
      selector: { ...spec!.selector, matchLabels: { ...spec!.selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
      ...(spec!.minReadySeconds && { minReadySeconds: spec!.minReadySeconds }),
    },
  } as ReplicaSet;
}

function annotationsFor(
  from: Record<string, string> = {},
  had: Record<string, string>,
  revision: number,
  replicas: number,
): Record<string, string> {
  const copied = Object.fromEntries(Object.entries(from).filter(([key]) => !notCopied.includes(key)));
  return { ...had, ...copied, [revisionAnnotation]: String(revision), [desiredAnnotation]: String(replicas) };
}

export const deploymentController: Controller = {
  name: "deployment",
  *keysOf({ kind, before, after }, cache) {
    if (kind.plural === "deployments") yield keyOf((after ?? before)!);
    if (kind.plural === "replicasets") {
      for (const set of [before, after]) {
        for (const uid of set?.ownerUids ?? []) {
          const owner = cache.byUid(uid);
          if (owner?.kind.plural === "deployments") yield keyOf(owner);
        }
        if (!set || set.ownerUids.length > 0) continue;
        for (const deployment of cache.list(deployments, set.namespace)) {
          if (matchLabels(selectorOf(deployment), set.labels)) yield keyOf(deployment);
        }
      }
    }
    if (kind.plural !== "pods" || after) return;
    // One of the old is gone for good: who recreates has waited for that.
    for (const uid of before!.ownerUids) {
      for (const above of cache.byUid(uid)?.ownerUids ?? []) {
        const owner = cache.byUid(above);
        if (owner?.kind.plural === "deployments") yield keyOf(owner);
      }
    }
  },
  *allKeys(cache) {
    for (const deployment of cache.list(deployments)) yield keyOf(deployment);
  },
  async reconcile(key, context) {
    const { namespace, name } = splitKey(key), { cache, registry, clock } = context;
    const deployment = cache.get(deployments, namespace, name);
    if (!deployment) return;
    if (await adopt(deployment, context)) return;
    const sets = ([...cache.owned(deployment.uid)] as unknown as StoredReplicaSet[]).filter((set) => set.kind.plural === "replicasets");
    const stillRunning = ({ uid }: StoredReplicaSet): number =>
      [...cache.owned(uid)].filter(({ fields }) => fields["status.phase"] !== "Succeeded" && fields["status.phase"] !== "Failed").length;
    const plan = planDeployment(deployment, sets, stillRunning);
    if (await execute(deployment, plan, context)) return; // the changes come back, and then the status is right
    // A new set has not looked at itself yet: first its pods are made, and then it says how many there are.
    if (plan.current && plan.current.object.status?.observedGeneration === undefined && !deployment.deleting) return;
    await stamp(deployment, plan, context);
    const status = deploymentStatus(deployment.object, plan.current, sets, clock.now());
    await registry.modify(deployments, { namespace, name }, (object) => void (object.status = status), { subresource: "status" });
    return progressDeadline(deployment.object, status, clock.now());
  },
};

const selectorOf = (deployment: StoredDeployment) => fromLabelSelector(deployment.object.spec?.selector);

/** ReplicaSets without an owner that the selector means, such as those an earlier Deployment was parted from. @returns whether there were any */
async function adopt(deployment: StoredDeployment, { cache, registry }: Context): Promise<boolean> {
  if (deployment.deleting) return false;
  const selector = selectorOf(deployment), reference = ownerReference(deployment);
  const orphans = [...cache.list(replicaSets, deployment.namespace)].filter((set) =>
    set.ownerUids.length === 0 && !set.deleting && matchLabels(selector, set.labels)
  );
  await Promise.all(orphans.map((orphan) =>
    registry.modify(replicaSets, orphan, (object) => {
      if (object.metadata?.uid === orphan.uid) object.metadata.ownerReferences ??= [reference];
    }).catch(unless("NotFound"))
  ));
  return orphans.length > 0;
}

/** @returns whether anything of a ReplicaSet was changed */
async function execute(deployment: StoredDeployment, plan: DeploymentPlan, { registry, recorder }: Context): Promise<boolean> {
  const work: Promise<unknown>[] = [];
  if (plan.create) {
    const { create } = plan, name = create.metadata!.name!;
    work.push(
      registry.create(replicaSets, create).then(
        () =>
          recorder.record(deployment, "Normal", "ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${create.spec!.replicas}`),
        async (error) => {
          if (isNamespaceEnding(error)) return;
          unless("AlreadyExists")(error);
          // Ours from a moment ago, or somebody else's by the same name: then the next one gets another.
          const found = await registry.get(replicaSets, { namespace: deployment.namespace, name });
          if (controllerOf(found)?.uid === deployment.uid) return;
          await registry.modify(
            deployments,
            deployment,
            (object) => void (object.status = { ...object.status, collisionCount: (object.status?.collisionCount ?? 0) + 1 }),
            {
              subresource: "status",
            },
          );
        },
      ),
    );
  }
  for (const { set, replicas } of plan.scale) {
    const before = replicasOf(set);
    work.push(
      registry.modify(replicaSets, set, (object) => void (object.spec!.replicas = replicas)).then(() =>
        recorder.record(
          deployment,
          "Normal",
          "ScalingReplicaSet",
          `Scaled ${replicas > before ? "up" : "down"} replica set ${set.name} from ${before} to ${replicas}`,
        )
      ),
    );
  }
  for (const set of plan.remove) {
    work.push(
      registry.delete(replicaSets, set, { preconditions: { uid: set.uid }, propagationPolicy: "Background" }).catch(
        unless("NotFound", "Conflict"),
      ),
    );
  }
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return work.length > 0;
}

/** The revision stands on the new ReplicaSet and on the Deployment: `kubectl rollout history` and `undo` read it there. */
async function stamp(deployment: StoredDeployment, { current, revision }: DeploymentPlan, { registry }: Context): Promise<void> {
  if (!current || deployment.deleting) return;
  const { metadata, spec } = deployment.object, { minReadySeconds, replicas = 1 } = spec!;
  await registry.modify(replicaSets, current, (object) => {
    object.metadata!.annotations = annotationsFor(metadata?.annotations, object.metadata!.annotations ?? {}, revision, replicas);
    if (minReadySeconds) object.spec!.minReadySeconds = minReadySeconds;
    else delete object.spec!.minReadySeconds;
  });
  if (revisionOf(deployment) === revision) return;
  await registry.modify(
    deployments,
    deployment,
    (object) => void ((object.metadata!.annotations ??= {})[revisionAnnotation] = String(revision)),
  );
}
