// Gives every pod a node. Waiting pods stand in one queue; what fits nowhere is parked until a node changes so that it fits there. Decisions are made one
// after the other over one view, bindings are written several at a time: they share an fsync.
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { bindingsAtOnce, nodesCompared, scheduleBackoff } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import type { Cache } from "../registry/cache.ts";
import type { Registry, Stored } from "../registry/face.ts";
import { ClusterView } from "./cluster_view.ts";
import { decide, explain, why } from "./decide.ts";
import { filters, podView } from "./filters.ts";
import { WaitingPods } from "./waiting_pods.ts";

export const schedulerName = "default-scheduler";

export interface SchedulerNeeds {
  readonly registry: Registry;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** For people: Scheduled, FailedScheduling. */
  readonly record: (about: Stored<Pod>, type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** Is it ours to place? */
const isWaiting = ({ object: { spec, status }, deleting }: Stored<Pod>): boolean =>
  !spec?.nodeName && !deleting && (spec?.schedulerName ?? schedulerName) === schedulerName && (spec?.schedulingGates?.length ?? 0) === 0 &&
  status?.phase !== "Succeeded" && status?.phase !== "Failed";

/** Resolves when the signal has aborted and the last binding is written or given up. */
export async function runScheduler({ registry, cache, clock, random, log, record }: SchedulerNeeds, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return; // it will not say so again
  const waiting = new WaitingPods(clock), view = new ClusterView(cache), delays = new Map<string, number>();
  /** uids of those that have been given a node, until the cache shows it: an older state of such a pod does not bring it back. */
  const placed = new Set<string>();
  for (const pod of cache.list(pods)) if (isWaiting(pod)) waiting.add(pod);
  const unsubscribe = cache.subscribe((change) => {
    const roomier = view.apply(change);
    if (change.kind.plural === "pods" && change.kind.group === "") follow(change.before?.uid ?? change.after!.uid, change.after as never);
    const node = roomier === undefined ? undefined : view.node(roomier);
    if (node) waiting.unpark((pod) => why(podView(pod.object), node, filters) === undefined);
  });
  const stop = () => waiting.close();
  signal.addEventListener("abort", stop, { once: true });

  const writes = new Set<Promise<void>>();
  for (let pod = await waiting.take(); pod; pod = await waiting.take()) {
    const candidate = podView(pod.object), decision = decide(candidate, view.nodes(random), random, { enough: nodesCompared });
    if ("node" in decision) {
      placed.add(pod.uid);
      view.assume(pod.uid, pod.object, decision.node, candidate.requests);
      own(bind(pod, decision.node));
    } else {
      waiting.park(pod);
      const message = explain(decision);
      if (unscheduledReason(pod.object) !== message) own(refuse(pod, message));
    }
    while (writes.size >= bindingsAtOnce) await Promise.race(writes);
  }
  await Promise.all(writes);
  unsubscribe();
  signal.removeEventListener("abort", stop);

  function own(work: Promise<void>): void {
    const owned: Promise<void> = work.finally(() => writes.delete(owned));
    writes.add(owned);
  }

  function follow(uid: string, pod: Stored<Pod> | undefined): void {
    if (pod && isWaiting(pod)) {
      if (!placed.has(uid)) waiting.add(pod);
      return;
    }
    placed.delete(uid);
    delays.delete(uid);
    waiting.remove(uid);
  }

  async function bind(pod: Stored<Pod>, node: string): Promise<void> {
    try {
      let bound = false;
      await registry.modify(pods, pod, (object) => {
        bound = object.metadata?.uid === pod.uid && !object.spec?.nodeName;
        if (!bound) return; // somebody else was faster; the cache will show it
        object.spec!.nodeName = node;
        object.status = withScheduled(object, "True", clock.now());
      }, { subresource: "binding" });
      delays.delete(pod.uid);
      if (bound) record(pod, "Normal", "Scheduled", `Successfully assigned ${pod.namespace}/${pod.name} to ${node}`);
    } catch (error) {
      placed.delete(pod.uid);
      view.forget(pod.uid);
      const newest = cache.get(pods, pod.namespace, pod.name);
      if (signal.aborted || newest?.uid !== pod.uid || !isWaiting(newest)) return;
      const delayMs = nextDelay(scheduleBackoff, delays.get(pod.uid) ?? 0, random);
      delays.set(pod.uid, delayMs);
      log.info("Cannot bind a pod; will try again", {
        pod: `${pod.namespace}/${pod.name}`,
        node,
        delayMs: Math.round(delayMs),
        error: chain(error),
      });
      waiting.addAfter(newest, delayMs);
    }
  }

  /** Says on the pod, and as an event, why it fits nowhere. */
  async function refuse(pod: Stored<Pod>, message: string): Promise<void> {
    record(pod, "Warning", "FailedScheduling", message);
    await registry.modify(pods, pod, (object) => {
      if (object.metadata?.uid !== pod.uid || object.spec?.nodeName) return;
      object.status = withScheduled(object, "False", clock.now(), { reason: "Unschedulable", message });
    }, { subresource: "status" }).catch((error) =>
      log.info("Cannot say why a pod fits nowhere", { pod: `${pod.namespace}/${pod.name}`, error: chain(error) })
    );
  }
}

const unscheduledReason = (pod: Pod): string | undefined =>
  pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False")?.message;

function withScheduled(
  { status = {} }: Pod,
  value: "True" | "False",
  now: number,
  why: { reason?: string; message?: string } = {},
): NonNullable<Pod["status"]> {
  const others = status.conditions?.filter(({ type }) => type !== "PodScheduled") ?? [],
    before = status.conditions?.find(({ type }) => type === "PodScheduled");
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const lastTransitionTime = before?.status === value && before.lastTransitionTime ? before.lastTransitionTime : time;
  return {
    ...status,
    phase: status.phase ?? "Pending",
    conditions: [...others, { type: "PodScheduled", status: value, lastTransitionTime, ...why }],
  };
}
