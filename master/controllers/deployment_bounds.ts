// How far a rollout may go at once.
import type { Deployment } from "../../shared/api/kinds/deployment.ts";
import type { ReplicaSet } from "../../shared/api/kinds/replicaset.ts";
import type { Stored } from "../registry/face.ts";

export type StoredDeployment = Stored<Deployment>;
export type StoredReplicaSet = Stored<ReplicaSet>;

/** Percentages of the replicas: surge is rounded up, unavailable down; both nothing would never move (Kubernetes: then one may be unavailable). */
export function bounds(deployment: Deployment): { surge: number; unavailable: number } {
  const { replicas = 1, strategy } = deployment.spec!;
  if (strategy?.type === "Recreate") return { surge: 0, unavailable: replicas };
  const count = (value: number | string | undefined, round: (n: number) => number): number =>
    typeof value === "string" ? round(parseInt(value) * replicas / 100) : value ?? 0;
  const surge = count(strategy?.rollingUpdate?.maxSurge ?? "25%", Math.ceil),
    unavailable = count(strategy?.rollingUpdate?.maxUnavailable ?? "25%", Math.floor);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas) };
}
