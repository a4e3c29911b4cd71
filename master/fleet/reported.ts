// What a node says of itself and its pods becomes the status of API objects. Pure. What others have to say in the same status stays: the scheduler's
// PodScheduled, the node's Ready, whatever a controller has put there.
import type { Node } from "../../shared/api/kinds/node.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import { sameJson } from "../../shared/api/json.ts";
import { annotations } from "../../shared/names.ts";
import type { ReportedObject } from "../../shared/wire/messages.ts";

/** When and how it was heard. */
export interface Hearing {
  /** ms since 1970 by the master. */
  readonly receivedMs: number;
  /** How far the node's clock is ahead; undefined: it has not said. */
  readonly clockErrorMs: number | undefined;
}
interface Condition {
  type: string;
  status: string;
  lastTransitionTime?: string | null;
}

/** When the node saw it, by the master's clock. */
export const observedMs = ({ at }: Pick<ReportedObject, "at">, { clockErrorMs = 0 }: Hearing): number => at - clockErrorMs;

const second = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const year9999 = 253_402_300_799_000;
const bounded = (ms: number): number => Math.min(Math.max(ms, 0), year9999);

/** How old the status is, in annotations. They alone are no reason to write. */
function agedBy<T extends Pod | Node>(object: T, reported: ReportedObject, hearing: Hearing): T {
  const { clockErrorMs, receivedMs } = hearing;
  object.metadata = {
    ...object.metadata,
    annotations: {
      ...object.metadata?.annotations,
      [annotations.observedAt]: second(bounded(observedMs(reported, hearing))),
      [annotations.receivedAt]: second(receivedMs),
      ...(clockErrorMs !== undefined && { [annotations.clockError]: `${(clockErrorMs / 1000).toFixed(1)}s` }),
    },
  };
  return object;
}

/** Conditions by type: those reported win, the others stay; a transition is one only if the status is another. */
function conditions<C extends Condition>(old: readonly C[], reported: readonly C[], nowMs: number): C[] {
  const merged = new Map(old.map((condition) => [condition.type, condition]));
  for (const condition of reported) {
    const before = merged.get(condition.type), moved = before?.status !== condition.status;
    const lastTransitionTime = moved ? condition.lastTransitionTime ?? second(nowMs) : before?.lastTransitionTime ?? second(nowMs);
    merged.set(condition.type, { ...condition, lastTransitionTime });
  }
  return [...merged.values()];
}

const over = (phase: string | undefined): boolean => phase === "Succeeded" || phase === "Failed";

/** The pod with what its node says of it; undefined if that changes nothing. May change what it is given. */
export function podWithStatus(pod: Pod, reported: ReportedObject, hearing: Hearing): Pod | undefined {
  const state = reported.state as NonNullable<Pod["status"]> | undefined, old = pod.status ?? {};
  if (!state || (over(old.phase) && !over(state.phase))) return undefined; // what has ended does not begin again
  const { qosClass, nominatedNodeName, resourceClaimStatuses } = old;
  const status = {
    ...state,
    ...(qosClass && { qosClass }),
    ...(nominatedNodeName && { nominatedNodeName }),
    ...(resourceClaimStatuses && { resourceClaimStatuses }),
    conditions: conditions(old.conditions ?? [], state.conditions ?? [], hearing.receivedMs),
    ...(reported.obsGen > 0 && { observedGeneration: reported.obsGen }),
  };
  if (sameJson(old, status)) return undefined;
  pod.status = status as NonNullable<Pod["status"]>;
  return agedBy(pod, reported, hearing);
}

/** Conditions whose heartbeat alone has moved are as they were: freshness is NodeLink's to show. */
export function nodeWithStatus(node: Node, reported: ReportedObject, hearing: Hearing): Node | undefined {
  const state = reported.state?.status as NonNullable<Node["status"]> | undefined, old = node.status ?? {};
  if (!state) return undefined;
  const before = new Map((old.conditions ?? []).map((condition) => [condition.type, condition]));
  const told = (state.conditions ?? []).filter(({ type }) => type !== "Ready").map((condition) => {
    const was = before.get(condition.type);
    const same = was && was.status === condition.status && was.reason === condition.reason && was.message === condition.message;
    return same ? was : condition;
  });
  const status = { ...old, ...state, conditions: conditions(old.conditions ?? [], told, hearing.receivedMs) };
  if (sameJson(old, status)) return undefined;
  node.status = status;
  return agedBy(node, reported, hearing);
}
