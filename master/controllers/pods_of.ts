// Pods and those who own them: what every controller that makes pods needs to ask and to do.
import { createHash } from "node:crypto";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import type { PodTemplateSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import type { OwnerReference } from "../../shared/api/meta.ts";
import { type Labels, matchLabels } from "../../shared/api/selector.ts";
import type { Kind } from "../../shared/api/resource.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import { keyOf } from "./controller.ts";

export type StoredPod = Stored<Pod>;

export const controllerOf = (
  stored: { readonly object: { metadata?: { ownerReferences?: readonly OwnerReference[] } } },
): OwnerReference | undefined => stored.object.metadata?.ownerReferences?.find(({ controller }) => controller);

/** Neither ended nor on its way out: it counts. */
export const isActive = ({ object, deleting }: StoredPod): boolean =>
  !deleting && object.status?.phase !== "Succeeded" && object.status?.phase !== "Failed";

const readyCondition = ({ object }: StoredPod) => object.status?.conditions?.find(({ type }) => type === "Ready");
export const isReady = (pod: StoredPod): boolean => readyCondition(pod)?.status === "True";

/** Since when the pod is ready, ms since 1970; undefined if it is not. */
export const readySince = (pod: StoredPod): number | undefined =>
  isReady(pod) ? Date.parse(readyCondition(pod)!.lastTransitionTime ?? "") || 0 : undefined;

/** Ready for `minReadySeconds`. */
export function isAvailable(pod: StoredPod, minReadySeconds: number, now: number): boolean {
  const since = readySince(pod);
  return since !== undefined && (minReadySeconds === 0 || since + minReadySeconds * 1000 <= now);
}

interface Owner {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly deleting: boolean;
  readonly kind: { readonly kind: string; readonly group: string; readonly version: string };
}
export function ownerReference(owner: Owner): OwnerReference {
  const { group, version, kind } = owner.kind;
  return {
    apiVersion: group ? `${group}/${version}` : version,
    kind,
    name: owner.name,
    uid: owner.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface Claimed {
  readonly mine: readonly StoredPod[];
  /** Without an owner, and the selector matches. */
  readonly adopt: readonly StoredPod[];
  /** Mine, but the selector matches no more. */
  readonly release: readonly StoredPod[];
}
/** Which pods are the owner's, and which should become so or cease to be. An owner on its way out adopts nothing, nor is a pod adopted that names an owner. */
export function claim(owner: Owner, selector: Labels, cache: Cache): Claimed {
  const mine: StoredPod[] = [], adopt: StoredPod[] = [], release: StoredPod[] = [];
  for (const owned of cache.owned(owner.uid)) {
    if (owned.kind.plural !== "pods" || controllerOf(owned)?.uid !== owner.uid) continue;
    (matchLabels(selector, owned.labels) || owner.deleting ? mine : release).push(owned as unknown as StoredPod);
  }
  if (!owner.deleting) {
    for (const pod of cache.list(pods, owner.namespace)) {
      if (pod.ownerUids.length === 0 && matchLabels(selector, pod.labels) && isActive(pod)) adopt.push(pod);
    }
  }
  return { mine, adopt, release };
}

/**
 * Keys of the owners of this kind whom a change of a pod may concern: those it names, and of a pod that names nobody those who would adopt it. Called for
 * every change of every pod, so it reads headers only.
 */
export function* ownersTouched<T>(
  { before, after }: Pick<Change, "before" | "after">,
  kind: Kind<T>,
  selectorOf: (owner: Stored<T>) => Labels,
  cache: Cache,
): Iterable<string> {
  for (const pod of [before, after]) {
    for (const uid of pod?.ownerUids ?? []) {
      const owner = cache.byUid(uid);
      if (owner?.kind.plural === kind.plural) yield keyOf(owner);
    }
    if (!pod || pod.ownerUids.length > 0) continue;
    for (const owner of cache.list(kind, pod.namespace)) if (matchLabels(selectorOf(owner), pod.labels)) yield keyOf(owner);
  }
}

/** A pod as the template says. The name is left to the caller. */
export function podFrom(template: PodTemplateSpec, owner: Owner, name: string): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return structuredClone({
    metadata: {
      name,
      namespace: owner.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: template.spec,
  }) as Pod;
}

/** Kubernetes' alphabet for generated names: no vowels, no digits that look like letters. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
/** `length` characters from a hash of the text. */
export const nameHash = (text: string, length: number): string =>
  [...createHash("sha256").update(text).digest().subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join("");

/**
 * Names for new pods, from what was seen when they were decided: who decides twice over the same view of the world collides with himself instead of making
 * twice as many.
 */
export function podNames(owner: Owner & { readonly revision: number }, count: number, taken: (name: string) => boolean): string[] {
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    const name = `${owner.name.slice(0, 57)}-${nameHash(`${owner.uid} ${owner.revision} ${i}`, 5)}`;
    if (!taken(name) && !names.includes(name)) names.push(name);
  }
  return names;
}

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
/** Which of two should go first (negative: a): not yet placed, not running, not ready, cheap, crowded, lately ready, often restarted, young. */
export function deletionOrder(a: StoredPod, b: StoredPod, crowd: (nodeName: string) => number): number {
  const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
  const placed = (pod: StoredPod): number => pod.object.spec?.nodeName ? 1 : 0;
  const phase = (pod: StoredPod): number => phases[pod.object.status?.phase ?? "Pending"] ?? 0;
  const cost = (pod: StoredPod): number => Number(pod.object.metadata?.annotations?.[costAnnotation] ?? 0) || 0;
  const crowded = (pod: StoredPod): number => -crowd(pod.object.spec?.nodeName ?? "");
  const restarts = (pod: StoredPod): number =>
    -(pod.object.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
  const age = (pod: StoredPod): number => -Date.parse(pod.object.metadata?.creationTimestamp ?? "");
  const ready = (pod: StoredPod): number => -(readySince(pod) ?? 0);
  const rules = [placed, phase, (pod: StoredPod) => isReady(pod) ? 1 : 0, cost, crowded, ready, restarts, age];
  for (const rule of rules) {
    const difference = rule(a) - rule(b);
    if (difference) return difference;
  }
  return a.name < b.name ? -1 : 1;
}
