// How a namespace ends. Once it is terminating nothing can be made in it any more (the registry compares the namespace's own revision), so what the cache
// shows at that revision is all there is. It is deleted in two waves: first the pods, and those who would make new ones; when they are gone the rest, which
// pods on their way out may still need (KEP-5080). Pods of a node that is cut off end when it comes back, and the namespace waits for them. When nothing is
// left, the finalizer in its spec goes, and with it the namespace.
import { type Namespace, type NamespaceCondition, namespaces } from "../../shared/api/kinds/namespace.ts";
import { type Kind, type KubernetesObject, qualified } from "../../shared/api/resource.ts";
import { deletesAtOnce } from "../../shared/limits.ts";
import { chain } from "../../shared/util/log.ts";
import type { Stored } from "../registry/face.ts";
import type { Context, Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";
import { forEachParallel } from "./parallel.ts";

const finalizer = "kubernetes";

/** Kinds with objects in namespaces, in the order of their end. */
export function waves(stored: Iterable<Kind>): readonly (readonly Kind[])[] {
  const inside = [...stored].filter(({ namespaced }) => namespaced);
  const isFirst = (kind: Kind): boolean =>
    ["pods", "replicationcontrollers"].includes(qualified(kind)) || kind.group === "apps" || kind.group === "batch";
  return [inside.filter(isFirst), inside.filter((kind) => !isFirst(kind))];
}

export const namespaceController: Controller = {
  name: "namespace",
  *keysOf({ kind, before, after }, cache) {
    if (kind.group === "" && kind.plural === "namespaces") {
      if (after?.deleting) yield after.name;
      return;
    }
    // The last one of its kind is gone: perhaps that was all.
    if (after || !kind.namespaced || !cache.get(namespaces, "", before!.namespace)?.deleting) return;
    if (isEmpty(cache.list(kind, before!.namespace))) yield before!.namespace;
  },
  *allKeys(cache) {
    for (const { name, deleting } of cache.list(namespaces)) if (deleting) yield name;
  },
  async reconcile(name, context) {
    const namespace = context.cache.get(namespaces, "", name);
    if (!namespace?.deleting || !namespace.object.spec?.finalizers?.includes(finalizer)) return;
    const { remaining, error } = await empty(name, waves(context.cache.kinds.stored), context);
    if (remaining.length === 0 && error === undefined) return await letGo(name, context);
    await say(namespace, conditions(remaining, error), context);
    if (error !== undefined) throw error;
  },
};

const isEmpty = (all: Iterable<unknown>): boolean => all[Symbol.iterator]().next().done === true;

/** Deletes what there is, a wave when the one before it is gone. @returns what is still there */
async function empty(
  name: string,
  order: ReturnType<typeof waves>,
  { cache, registry }: Context,
): Promise<{ remaining: readonly Stored[]; error?: unknown }> {
  const contents = order.map((kinds) => kinds.flatMap((kind) => [...cache.list(kind, name)]));
  for (const [i, wave] of contents.entries()) {
    const remaining = new Set(wave);
    const error = await forEachParallel(wave.filter(({ deleting }) => !deleting), deletesAtOnce, async (object) => {
      const options = { preconditions: { uid: object.uid }, propagationPolicy: "Background" } as const;
      const gone = await registry.delete(object.kind, object, options).then(({ gone }) => gone, (error) => {
        unless("NotFound", "Conflict")(error); // another of the same name cannot be: none are made any more
        return true;
      });
      if (gone) remaining.delete(object);
    });
    if (remaining.size > 0 || error !== undefined) return { remaining: [...remaining, ...contents.slice(i + 1).flat()], error };
  }
  return { remaining: [] };
}

async function letGo(name: string, { registry }: Context): Promise<void> {
  await registry.modify(namespaces, { name }, (namespace) => {
    if (namespace.metadata?.deletionTimestamp === undefined) return;
    namespace.spec = { finalizers: namespace.spec?.finalizers?.filter((other) => other !== finalizer) ?? [] };
  }, { subresource: "finalize" }).catch(unless("NotFound"));
}

type Aspect = Pick<NamespaceCondition, "type" | "status" | "reason" | "message">;

/** Pure: what holds up its end, in Kubernetes' words. */
export function conditions(remaining: readonly Stored[], error: unknown): Aspect[] {
  const counts = new Map<string, number>(), holders = new Map<string, number>();
  const count = (of: Map<string, number>, key: string) => of.set(key, (of.get(key) ?? 0) + 1);
  for (const { kind, object } of remaining) {
    count(counts, `${kind.plural}.${kind.group}`);
    for (const name of (object as KubernetesObject).metadata?.finalizers ?? []) count(holders, name);
  }
  const list = (of: Map<string, number>, words: (key: string, n: number) => string): string =>
    [...of].map(([key, n]) => words(key, n)).sort().join(", ");
  const aspect = (type: string, holds: boolean, yes: [string, string], no: [string, string]): Aspect => {
    const [reason, message] = holds ? yes : no;
    return { type, status: holds ? "True" : "False", reason, message };
  };
  return [
    aspect("NamespaceDeletionDiscoveryFailure", false, ["", ""], ["ResourcesDiscovered", "All resources successfully discovered"]),
    aspect(
      "NamespaceDeletionContentFailure",
      error !== undefined,
      ["ContentDeletionFailed", `Failed to delete all resource types, ${counts.size} remaining: ${chain(error)}`],
      ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    ),
    aspect("NamespaceContentRemaining", counts.size > 0, [
      "SomeResourcesRemain",
      `Some resources are remaining: ${list(counts, (kind, n) => `${kind} has ${n} resource instances`)}`,
    ], ["ContentRemoved", "All content successfully removed"]),
    aspect("NamespaceFinalizersRemaining", holders.size > 0, [
      "SomeFinalizersRemain",
      `Some content in the namespace has finalizers remaining: ${list(holders, (name, n) => `${name} in ${n} resource instances`)}`,
    ], ["ContentHasNoFinalizers", "All content-preserving finalizers finished"]),
  ];
}

async function say({ name }: Stored<Namespace>, aspects: readonly Aspect[], { registry, clock }: Context): Promise<void> {
  const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
  await registry.modify(namespaces, { name }, (namespace) => {
    const before = namespace.status?.conditions ?? [],
      others = before.filter(({ type }) => !aspects.some((aspect) => aspect.type === type));
    const since = ({ type, status }: Aspect): string =>
      before.find((had) => had.type === type && had.status === status)?.lastTransitionTime ?? time;
    namespace.status = {
      ...namespace.status,
      conditions: [...others, ...aspects.map((aspect) => ({ ...aspect, lastTransitionTime: since(aspect) }))] as NamespaceCondition[],
    };
  }, { subresource: "status" }).catch(unless("NotFound"));
}
