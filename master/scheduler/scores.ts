// Among the nodes that may: which is best? Each score lies between 0 and 100; the weights say how much it counts.
import { tolerates } from "../../shared/api/kinds/pod/toleration.ts";
import { matchesTerms, type NodeView, type PodView } from "./filters.ts";

export type Score = (pod: PodView, node: NodeView) => number;

/** The emptier, the better: the mean share of cpu and memory that would still be free. Spreads a set of equal pods over equal nodes. */
const leastAllocated: Score = ({ requests }, { allocatable, used }) => {
  const pods = allocatable["pods"] ? 1 - (used["pods"] ?? 0) / allocatable["pods"] : 0;
  // A pod that asks for nothing still takes something: without this, a thousand of them would go to one node.
  const cpu = share(allocatable["cpu"], used["cpu"], requests["cpu"], 100);
  return 100 * (cpu + share(allocatable["memory"], used["memory"], requests["memory"], 200 * 1024 * 1024) + pods) / 3;
};
const share = (has = 0, used = 0, wanted = 0, least: number): number =>
  has > 0 ? Math.max(0, 1 - (used + Math.max(wanted, least)) / has) : 0;

const preferredAffinity: Score = ({ pod }, { name, node }) => {
  const terms = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  if (!terms || terms.length === 0) return 0;
  const sum = (some: typeof terms): number => some.reduce((sum, { weight }) => sum + weight, 0);
  const met = terms.filter(({ preference }) => matchesTerms({ nodeSelectorTerms: [preference] }, node.metadata?.labels ?? {}, name));
  return 100 * sum(met) / sum(terms);
};

/** Soft taints that the pod does not tolerate. */
const softTaints: Score = ({ pod }, { node }) => {
  const taints = node.spec?.taints;
  if (!taints || taints.length === 0) return 100;
  const soft = taints.filter((taint) =>
    taint.effect === "PreferNoSchedule" && !pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint))
  );
  return 100 / (1 + soft.length);
};

export const scores: readonly { readonly score: Score; readonly weight: number }[] = [
  { score: leastAllocated, weight: 1 },
  { score: preferredAffinity, weight: 2 },
  { score: softTaints, weight: 3 },
];
