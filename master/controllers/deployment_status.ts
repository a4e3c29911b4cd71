// What a Deployment says of itself: counts, and the conditions that `kubectl rollout status` waits for. Pure.
import type { Deployment, DeploymentCondition, DeploymentStatus } from "../../shared/api/kinds/deployment.ts";
import { bounds, type StoredReplicaSet } from "./deployment_bounds.ts";

export function deploymentStatus(
  deployment: Deployment,
  current: StoredReplicaSet | undefined,
  sets: readonly StoredReplicaSet[],
  now: number,
): DeploymentStatus {
  const { spec, status = {}, metadata } = deployment, wanted = spec!.replicas ?? 1;
  const sum = (of: (set: StoredReplicaSet) => number | undefined): number => sets.reduce((sum, set) => sum + (of(set) ?? 0), 0);
  const counts = {
    replicas: sum((set) => set.object.status?.replicas),
    updatedReplicas: current?.object.status?.replicas ?? 0,
    readyReplicas: sum((set) => set.object.status?.readyReplicas),
    availableReplicas: sum((set) => set.object.status?.availableReplicas),
  };
  const unavailable = Math.max(0, sum((set) => set.object.spec?.replicas) - counts.availableReplicas);
  const next: DeploymentStatus = {
    observedGeneration: metadata?.generation ?? 0,
    ...counts,
    unavailableReplicas: unavailable,
    ...(status.collisionCount !== undefined && { collisionCount: status.collisionCount }),
  };
  const failed = sets.flatMap((set) => set.object.status?.conditions ?? []).find(({ type, status }) =>
    type === "ReplicaFailure" && status === "True"
  );
  const available = counts.availableReplicas >= wanted - bounds(deployment).unavailable;
  const conditions = [
    available
      ? condition(status, now, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
      : condition(status, now, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
    progressing(deployment, next, current, now),
    ...failed ? [condition(status, now, "ReplicaFailure", "True", failed.reason ?? "FailedCreate", failed.message ?? "")] : [],
  ];
  return { ...next, conditions: conditions.filter((found) => found !== undefined) };
}

const progressed = (before: DeploymentStatus, after: DeploymentStatus): boolean =>
  (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
  (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
  (after.replicas ?? 0) - (after.updatedReplicas ?? 0) < (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
const complete = ({ spec }: Deployment, { updatedReplicas = 0, replicas = 0, availableReplicas = 0 }: DeploymentStatus): boolean =>
  updatedReplicas === (spec!.replicas ?? 1) && replicas === updatedReplicas && availableReplicas === updatedReplicas;

function progressing(
  deployment: Deployment,
  next: DeploymentStatus,
  current: StoredReplicaSet | undefined,
  now: number,
): DeploymentCondition | undefined {
  const { spec, status = {} } = deployment, before = status.conditions?.find(({ type }) => type === "Progressing");
  const say = (value: string, reason: string, message: string, moved = false) =>
    condition(status, now, "Progressing", value, reason, message, moved);
  if (spec!.paused) return before?.reason === "DeploymentPaused" ? before : say("Unknown", "DeploymentPaused", "Deployment is paused");
  const name = current?.name ?? "";
  if (complete(deployment, next)) return say("True", "NewReplicaSetAvailable", `ReplicaSet "${name}" has successfully progressed.`);
  if (!before || before.reason === "NewReplicaSetAvailable" || before.reason === "DeploymentPaused" || progressed(status, next)) {
    return say("True", "ReplicaSetUpdated", `ReplicaSet "${name}" is progressing.`, true);
  }
  if (before.status === "True" && now >= Date.parse(before.lastUpdateTime ?? "") + (spec!.progressDeadlineSeconds ?? 600) * 1000) {
    return say("False", "ProgressDeadlineExceeded", `ReplicaSet "${name}" has timed out progressing.`);
  }
  return before;
}

/** Milliseconds until the deadline must be looked at again; undefined when nothing is in progress. */
export function progressDeadline({ spec }: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const found = status.conditions?.find(({ type }) => type === "Progressing");
  if (found?.status !== "True" || found.reason === "NewReplicaSetAvailable") return undefined;
  return Math.max(1000, Date.parse(found.lastUpdateTime ?? "") + (spec!.progressDeadlineSeconds ?? 600) * 1000 - now);
}

/** The time of the last transition moves with the status alone, the time of the last update with anything. */
function condition(
  status: DeploymentStatus,
  now: number,
  type: string,
  value: string,
  reason: string,
  message: string,
  moved = false,
): DeploymentCondition {
  const before = status.conditions?.find((found) => found.type === type), time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  if (!moved && before?.status === value && before.reason === reason && before.message === message) return before;
  return {
    type,
    status: value,
    reason,
    message,
    lastUpdateTime: time,
    lastTransitionTime: before?.status === value ? before.lastTransitionTime ?? time : time,
  };
}
