// What the API says of a node that is heard, and of one that is not. A node that is cut off is not dead: it gets Ready=Unknown and the taints of Kubernetes,
// but its pods stay bound to it. They count as unavailable, never as gone. Only who says so (a toleration with seconds) is evicted.
import { leases } from "../../shared/api/kinds/lease.ts";
import { type Node, type NodeCondition, nodes, type Taint } from "../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { tolerates } from "../../shared/api/kinds/pod/toleration.ts";
import { leaseRenewMs, unreachableAfterMs, unseenGraceMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Stored } from "../registry/face.ts";
import type { Context, Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";

/** What the fleet knows of a node's connection. */
export interface NodePresence {
  readonly live: boolean;
  /** Monotonic ms of the last change of `live`, and of the last packet. */
  readonly sinceMs: number;
  readonly lastPacketMs: number;
  /** It announced that it would sleep until then (ms since 1970). */
  readonly sleepingUntilMs?: number;
  /** Its master is silent or has begun anew: it may be on its way to another. */
  readonly adrift?: boolean;
}
export interface Presence {
  /** Undefined: this master has not heard it since it started, nor of it from another. */
  state(nodeName: string): NodePresence | undefined;
  subscribe(observer: (nodeName: string) => void): () => void;
}

type Verdict = { readonly ready: "True" | "False" | "Unknown"; readonly reason: string; readonly message: string };
const unreachableKey = "node.kubernetes.io/unreachable", notReadyKey = "node.kubernetes.io/not-ready";
const lost: Verdict = {
  ready: "Unknown",
  reason: "Unreachable",
  message: "The node's connection is down; what runs there is presumed to run on.",
};

/** Pure. Undefined: nothing can be said yet; `againMs`: when to look again. */
export function judge(
  node: Node,
  presence: NodePresence | undefined,
  now: { monotonicMs: number; startedMs: number },
): { verdict?: Verdict; againMs?: number } {
  const had = condition(node, "Ready");
  if (!presence || presence.adrift) {
    // A master that has just started knows no sessions, and one that is gone says nothing of its own. Nodes keep their last state for as long as they may take
    // to come back.
    const leftMs = (presence?.sinceMs ?? now.startedMs) + unseenGraceMs - now.monotonicMs;
    if (!had) return {};
    return leftMs > 0 ? { againMs: leftMs } : { verdict: had.status === "Unknown" ? as(had) : lost };
  }
  if (presence.live) {
    const engine = condition(node, "RuntimeReady");
    if (engine?.status === "False") {
      return { verdict: { ready: "False", reason: engine.reason ?? "RuntimeNotReady", message: engine.message ?? "" } };
    }
    return { verdict: { ready: "True", reason: "AgentReady", message: "The agent is connected." } };
  }
  if (presence.sleepingUntilMs !== undefined) {
    const until = new Date(presence.sleepingUntilMs).toISOString();
    return { verdict: { ready: "Unknown", reason: "Sleeping", message: `The node sleeps until ${until}.` } };
  }
  // Links flap: a few seconds of silence are worth no writes.
  const leftMs = presence.sinceMs + unreachableAfterMs - now.monotonicMs;
  return leftMs > 0 ? { againMs: leftMs } : { verdict: lost };
}
const as = ({ status, reason = "", message = "" }: NodeCondition): Verdict => ({ ready: status as Verdict["ready"], reason, message });
const condition = (node: Node, type: string): NodeCondition | undefined => node.status?.conditions?.find((found) => found.type === type);

/**
 * Taints that tell schedulers and evictors the same as the condition. Those of others are left alone, but for the time: patience with what drives pods away
 * is counted from when it was first seen.
 */
export function taintsFor(verdict: Verdict, had: readonly Taint[] = [], time: string): Taint[] {
  const key = verdict.ready === "Unknown" ? unreachableKey : verdict.ready === "False" ? notReadyKey : undefined;
  const others = had.filter((taint) => !isOurs(taint)).map((taint) =>
    taint.effect === "NoExecute" && !taint.timeAdded ? { ...taint, timeAdded: time } : taint
  );
  if (!key) return others;
  const kept = had.find((taint) => taint.key === key && taint.effect === "NoExecute")?.timeAdded ?? time;
  return [...others, { key, effect: "NoSchedule" }, { key, effect: "NoExecute", timeAdded: kept }] as Taint[];
}
const isOurs = ({ key }: Taint): boolean => key === unreachableKey || key === notReadyKey;

export function nodeLifecycleController(presence: Presence, clock: Clock): Controller {
  const startedMs = clock.monotonic();
  return {
    name: "node-lifecycle",
    *keysOf({ kind, before, after }) {
      if (kind.group !== "") return;
      if (kind.plural === "nodes") yield (after ?? before)!.name;
      const nodeName = kind.plural === "pods" ? (after?.object as Pod | undefined)?.spec?.nodeName : undefined;
      if (nodeName && (!before || (before.object as Pod).spec?.nodeName !== nodeName)) yield nodeName;
    },
    *allKeys(cache) {
      for (const { name } of cache.list(nodes)) yield name;
    },
    wakes: (add) => presence.subscribe(add),
    async reconcile(name, context) {
      const node = context.cache.get(nodes, "", name);
      if (!node) return;
      const state = presence.state(name), { verdict, againMs } = judge(node.object, state, { monotonicMs: clock.monotonic(), startedMs });
      if (!verdict) return againMs;
      const taints = await writeNode(node, verdict, context);
      const evictMs = await writePods(node, verdict, taints, context);
      const leaseMs = state?.live ? await renewLease(node, context) : undefined;
      return [evictMs, leaseMs, againMs].filter((ms) => ms !== undefined).reduce<number | undefined>(
        (least, ms) => least === undefined ? ms : Math.min(least, ms),
        undefined,
      );
    },
  };
}

/** @returns the node's taints */
async function writeNode(node: Stored<Node>, verdict: Verdict, { registry, clock, recorder }: Context): Promise<readonly Taint[]> {
  const had = condition(node.object, "Ready"), time = timestamp(clock.now());
  if (had?.status !== verdict.ready || had.reason !== verdict.reason || had.message !== verdict.message) {
    await registry.modify(nodes, node, (object) => {
      const others = object.status?.conditions?.filter(({ type }) => type !== "Ready") ?? [], before = condition(object, "Ready");
      const ready = {
        type: "Ready",
        status: verdict.ready,
        reason: verdict.reason,
        message: verdict.message,
        lastHeartbeatTime: time,
        lastTransitionTime: before?.status === verdict.ready ? before.lastTransitionTime ?? time : time,
      };
      object.status = { ...object.status, conditions: [...others, ready] };
    }, { subresource: "status" });
    if (had?.status !== verdict.ready) {
      const [type, reason] = verdict.ready === "True" ? ["Normal", "NodeReady"] as const : ["Warning", "NodeNotReady"] as const;
      recorder.record(node, type, reason, `Node ${node.name} status is now: ${reason}`);
    }
  }
  const taints = taintsFor(verdict, node.object.spec?.taints, time);
  if (JSON.stringify(taints) !== JSON.stringify(node.object.spec?.taints ?? [])) {
    await registry.modify(nodes, node, (object) => {
      const next = taintsFor(verdict, object.spec?.taints, time);
      object.spec = { ...object.spec };
      if (next.length > 0) object.spec.taints = next;
      else delete object.spec.taints;
    });
  }
  return taints;
}

/** Pods there are not heard either: Ready is Unknown, the rest is what it was. @returns ms until the next eviction is due */
async function writePods(
  node: Stored<Node>,
  verdict: Verdict,
  taints: readonly Taint[],
  { cache, registry, clock, recorder }: Context,
): Promise<number | undefined> {
  const unheard = verdict.ready === "Unknown", time = timestamp(clock.now()), work: Promise<unknown>[] = [];
  let nextMs: number | undefined;
  for (const pod of cache.byField(pods, "spec.nodeName", node.name)) {
    const ready = readyOf(pod.object), isMarked = ready?.status === "Unknown" && ready.reason === "NodeUnreachable";
    if (unheard && ready && !isMarked && ready.status === "True") {
      work.push(registry.modify(pods, pod, (object) => mark(object, time), { subresource: "status" }).catch(unless("NotFound")));
    }
    if (!unheard && isMarked) {
      work.push(registry.modify(pods, pod, (object) => unmark(object, time), { subresource: "status" }).catch(unless("NotFound")));
    }
    if (pod.deleting) continue;
    const dueMs = evictionDue(pod.object, taints, clock.now());
    if (dueMs === undefined) continue;
    if (dueMs > 0) nextMs = Math.min(nextMs ?? Infinity, dueMs);
    else {
      recorder.record(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${pod.namespace}/${pod.name}`);
      work.push(registry.delete(pods, pod, { preconditions: { uid: pod.uid } }).catch(unless("NotFound", "Conflict")));
    }
  }
  await Promise.all(work);
  return nextMs;
}

/**
 * Milliseconds until this pod's patience with the node's taints ends; undefined: it stays. A taint that somebody has put there drives away who does not bear
 * it. With a node that cannot be heard or is not ready it is the other way round: only who says for how long he bears it goes.
 */
export function evictionDue(pod: Pod, taints: readonly Taint[], nowMs: number): number | undefined {
  const tolerations = pod.spec?.tolerations ?? [];
  let dueMs: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== "NoExecute") continue;
    const bearing = tolerations.find((toleration) => tolerates(toleration, taint));
    if (!bearing && !isOurs(taint)) return 0;
    if (bearing?.tolerationSeconds === undefined) continue;
    const since = Date.parse(taint.timeAdded ?? "") || nowMs;
    dueMs = Math.min(dueMs ?? Infinity, since + Math.max(0, bearing.tolerationSeconds) * 1000 - nowMs);
  }
  return dueMs;
}

const readyOf = (pod: Pod) => pod.status?.conditions?.find(({ type }) => type === "Ready");
function mark(pod: Pod, time: string): void {
  const ready = readyOf(pod);
  if (ready?.status !== "True") return;
  Object.assign(ready, {
    status: "Unknown",
    reason: "NodeUnreachable",
    message: "The pod's node cannot be heard.",
    lastTransitionTime: time,
  });
}
/** Back again, and nothing to report: it is as ready as its containers were. */
function unmark(pod: Pod, time: string): void {
  const ready = readyOf(pod);
  if (ready?.reason !== "NodeUnreachable") return;
  const containers = pod.status?.conditions?.find(({ type }) => type === "ContainersReady")?.status ?? "False";
  delete ready.reason;
  delete ready.message;
  Object.assign(ready, { status: containers, lastTransitionTime: time });
}

/** @returns ms until it must be renewed again */
async function renewLease(node: Stored<Node>, { cache, registry, clock }: Context): Promise<number> {
  const namespace = "kube-node-lease", lease = cache.get(leases, namespace, node.name), nowMs = clock.now();
  const age = nowMs - (Date.parse(lease?.object.spec?.renewTime ?? "") || 0);
  if (lease && age >= 0 && age < leaseRenewMs) return leaseRenewMs - age;
  const spec = {
    holderIdentity: node.name,
    leaseDurationSeconds: leaseRenewMs / 1000,
    renewTime: new Date(nowMs).toISOString().replace("Z", "000Z"),
  };
  if (lease) await registry.modify(leases, { namespace, name: node.name }, (object) => void (object.spec = { ...object.spec, ...spec }));
  else {
    const owner = { apiVersion: "v1", kind: "Node", name: node.name, uid: node.uid };
    await registry.create(leases, { metadata: { name: node.name, namespace, ownerReferences: [owner] }, spec } as never).catch(
      unless("AlreadyExists", "NotFound"),
    );
  }
  return leaseRenewMs;
}

const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
