// The pod that a DaemonSet has on a node: what it is made of, and which node a pod is meant for.
import type { DaemonSet } from "../../shared/api/kinds/daemonset.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { Toleration } from "../../shared/api/kinds/pod/pod_spec.ts";
import type { Stored } from "../registry/face.ts";
import { nameHash, podFrom, type StoredPod } from "./pods_of.ts";

export type StoredDaemonSet = Stored<DaemonSet>;
export const hashLabel = "controller-revision-hash";

/** What every daemon bears, whatever is wrong with its node (as Kubernetes adds them). */
function daemonTolerations(hostNetwork: boolean): Toleration[] {
  const bears = (name: string, effect: "NoExecute" | "NoSchedule"): Toleration => ({
    key: `node.kubernetes.io/${name}`,
    operator: "Exists",
    effect,
  });
  return [
    bears("not-ready", "NoExecute"),
    bears("unreachable", "NoExecute"),
    ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map((name) => bears(name, "NoSchedule")),
    ...hostNetwork ? [bears("network-unavailable", "NoSchedule")] : [],
  ];
}

/** Names follow from what the pod is for: two for one node and one template cannot both be made. */
export const podName = (set: StoredDaemonSet, node: Pick<Stored, "uid">, hash: string): string =>
  `${set.name.slice(0, 57)}-${nameHash(`${set.uid} ${node.uid} ${hash}`, 5)}`;

/** A pod of it, for no node yet. */
export function daemonPod(set: StoredDaemonSet, hash: string): Pod {
  const pod = podFrom(set.object.spec!.template!, set, ""), spec = pod.spec!;
  pod.metadata!.labels = { ...pod.metadata!.labels, [hashLabel]: hash };
  const same = (a: Toleration) => (b: Toleration): boolean => a.key === b.key && a.effect === b.effect && a.operator === b.operator;
  const more = daemonTolerations(spec.hostNetwork === true).filter((toleration) => !spec.tolerations?.some(same(toleration)));
  spec.tolerations = [...spec.tolerations ?? [], ...more];
  return pod;
}
/** The same for one node. The scheduler places it there, when there is room (KEP-548); until then it waits. */
export function placed(pod: Pod, name: string, nodeName: string): Pod {
  const affinity = {
    ...pod.spec!.affinity,
    nodeAffinity: {
      ...pod.spec!.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [nodeName] }] }],
      },
    },
  };
  return { ...pod, metadata: { ...pod.metadata, name }, spec: { ...pod.spec!, affinity } } as Pod;
}

/** Where a pod is, or will be. */
export function nodeOf({ object: { spec } }: StoredPod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === "metadata.name")?.values?.[0];
}
