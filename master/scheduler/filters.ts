// One function per rule: may this pod run on this node? Each answers with the reason why not, in Kubernetes' words.
import type { Node, Taint } from "../../shared/api/kinds/node.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { NodeSelector, NodeSelectorRequirement } from "../../shared/api/kinds/pod/affinity.ts";
import type { Toleration } from "../../shared/api/kinds/pod/pod_spec.ts";
import { tolerates } from "../../shared/api/kinds/pod/toleration.ts";
import { type Amounts, hostPorts, requested } from "./resources.ts";

/** What a decision needs to know of a node, kept up to date by the scheduler. */
export interface NodeView {
  readonly name: string;
  readonly node: Node;
  readonly allocatable: Amounts;
  /** Sum of the requests of the pods there. */
  readonly used: Amounts;
  /** Host ports taken there. */
  readonly ports: readonly { protocol: string; ip: string; port: number }[];
}
/** A pod with what is asked of every node computed once. */
export interface PodView {
  readonly pod: Pod;
  readonly requests: Amounts;
  readonly wanted: readonly (readonly [resource: string, amount: number])[];
  readonly selector: readonly (readonly [label: string, value: string])[];
  readonly ports: ReturnType<typeof hostPorts>;
}
export function podView(pod: Pod): PodView {
  const requests = requested(pod.spec!);
  return {
    pod,
    requests,
    wanted: Object.entries(requests).filter(([, amount]) => amount > 0),
    selector: Object.entries(pod.spec!.nodeSelector ?? {}),
    ports: hostPorts(pod.spec!),
  };
}
/** Its answers: reasons why not. */
export type Filter = (pod: PodView, node: NodeView) => readonly string[];

const none: string[] = [];

export const nodeName: Filter = ({ pod }, node) => {
  const wanted = pod.spec?.nodeName;
  return wanted && wanted !== node.name ? ["node(s) didn't match the requested node name"] : none;
};

export const unschedulable: Filter = ({ pod }, { node }) =>
  node.spec?.unschedulable && !tolerated({ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }, pod.spec?.tolerations)
    ? ["node(s) were unschedulable"]
    : none;

export const nodeAffinity: Filter = ({ pod, selector }, { name, node }) => {
  const labels = node.metadata?.labels ?? {};
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return selector.every(([key, value]) => labels[key] === value) && (!required || matchesTerms(required, labels, name))
    ? none
    : ["node(s) didn't match Pod's node affinity/selector"];
};

export const taints: Filter = ({ pod }, { node }) => {
  const hard = node.spec?.taints?.find((taint) => taint.effect !== "PreferNoSchedule" && !tolerated(taint, pod.spec?.tolerations));
  return hard ? [`node(s) had untolerated taint {${hard.key}: ${hard.value ?? ""}}`] : none;
};

/** A node that was never Ready, or is not, gets nothing new: also before the taint that says so is on it. Who tolerates that taint goes there. */
export const readiness: Filter = ({ pod }, { node }) => {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready")?.status;
  if (ready === "True") return none;
  const key = ready === "Unknown" ? "node.kubernetes.io/unreachable" : "node.kubernetes.io/not-ready";
  return tolerated({ key, effect: "NoSchedule" }, pod.spec?.tolerations) ? none : ["node(s) were not ready"];
};

export const resources: Filter = ({ wanted }, { allocatable, used }) => {
  let short: string[] = none;
  for (const [name, amount] of wanted) {
    if ((used[name] ?? 0) + amount > (allocatable[name] ?? 0)) {
      short = [...short, name === "pods" ? "Too many pods" : `Insufficient ${name}`];
    }
  }
  return short;
};

export const ports: Filter = ({ ports }, { ports: taken }) => {
  const clash = ports.some((wanted) =>
    taken.some((other) =>
      other.port === wanted.port && other.protocol === wanted.protocol &&
      (other.ip === wanted.ip || other.ip === "0.0.0.0" || wanted.ip === "0.0.0.0")
    )
  );
  return clash ? ["node(s) didn't have free ports for the requested pod ports"] : none;
};

/** In the order they are asked; the first that says no decides. */
export const filters: readonly Filter[] = [nodeName, readiness, unschedulable, nodeAffinity, taints, resources, ports];

/** What a daemon's pod asks of a node before it is made for it. Room and ports are asked when it is placed, like those of any pod (KEP-548). */
const daemonFilters: readonly Filter[] = [nodeName, nodeAffinity, taints];

/** Does a daemon's pod belong on this node; and if it is there already, may it stay? Only a taint that drives away makes it go. */
export function daemonFit(pod: Pod, node: Node): { run: boolean; keep: boolean } {
  const view = (node: Node): NodeView => ({ name: node.metadata?.name ?? "", node, allocatable: {}, used: {}, ports: [] });
  const asked = podView(pod), fits = (node: Node): boolean => daemonFilters.every((rule) => rule(asked, view(node)).length === 0);
  const driving = node.spec?.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];
  return { run: fits(node), keep: fits({ ...node, spec: { ...node.spec, taints: driving } } as Node) };
}

const tolerated = (taint: Pick<Taint, "key" | "effect"> & { value?: string }, tolerations: readonly Toleration[] = []): boolean =>
  tolerations.some((toleration) => tolerates(toleration, taint));

/** Terms are alternatives; the requirements of one term must all hold. */
export function matchesTerms(selector: NodeSelector, labels: Readonly<Record<string, string>>, name: string): boolean {
  return selector.nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) =>
    matchExpressions.length + matchFields.length > 0 && matchExpressions.every((requirement) =>
      matches(requirement, labels[requirement.key])
    ) &&
    matchFields.every((requirement) => requirement.key === "metadata.name" && matches(requirement, name))
  );
}

function matches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false; // an operator of a later release: the safe answer is no
  }
}
