// Where a pod wants to run, and beside whom.
import { atomic, field, int32, list, message, oneOf, optional, required, string } from "../../schema.ts";
import { LabelSelector } from "../../meta.ts";

const core = "k8s.io.api.core.v1";

export class NodeSelectorRequirement extends message(`${core}.NodeSelectorRequirement`, "A rule about a node's label or field.", {
  key: required(1, string, "Key of the label, or name of the field."),
  operator: required(2, oneOf("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"), "How the value is compared."),
  values: field(3, list(string), "Values to compare with: some for In and NotIn, one number for Gt and Lt, none otherwise.", atomic),
}) {}
export class NodeSelectorTerm extends message(`${core}.NodeSelectorTerm`, "Rules that must all hold. Without a rule it fits no node.", {
  matchExpressions: field(1, list(NodeSelectorRequirement), "Rules about labels.", atomic),
  matchFields: field(2, list(NodeSelectorRequirement), "Rules about fields; metadata.name is the only one.", atomic),
}, { map: "atomic" }) {}
export class NodeSelector extends message(`${core}.NodeSelector`, "Which nodes fit: those of any of the terms.", {
  nodeSelectorTerms: required(1, list(NodeSelectorTerm), "The terms; one that holds is enough.", atomic),
}, { map: "atomic" }) {}
export class PreferredSchedulingTerm extends message(`${core}.PreferredSchedulingTerm`, "Nodes that are better than others.", {
  weight: required(1, int32, "How much better, from 1 to 100."),
  preference: required(2, NodeSelectorTerm, "Which nodes."),
}) {}
export class NodeAffinity extends message(`${core}.NodeAffinity`, "On which nodes a pod may run and prefers to run.", {
  requiredDuringSchedulingIgnoredDuringExecution: optional(1, NodeSelector, "Nodes that it may be bound to."),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(PreferredSchedulingTerm), "Nodes that it prefers.", atomic),
}) {}

export class PodAffinityTerm extends message(
  `${core}.PodAffinityTerm`,
  "A set of pods, and how near counts as together: on nodes with the same value of one label.",
  {
    labelSelector: optional(1, LabelSelector, "Which pods, by their labels. Left out: none."),
    namespaces: field(2, list(string), "Namespaces in which to look; with none and no namespaceSelector, the pod's own.", atomic),
    topologyKey: required(3, string, "Key of the node label that makes a place: kubernetes.io/hostname, topology.kubernetes.io/zone, …"),
    namespaceSelector: optional(4, LabelSelector, "Namespaces in which to look, too, by their labels. Empty: all."),
    matchLabelKeys: field(5, list(string), "Labels that must have the same value as on this pod.", atomic),
    mismatchLabelKeys: field(6, list(string), "Labels that must have another value than on this pod.", atomic),
  },
) {}
export class WeightedPodAffinityTerm extends message(`${core}.WeightedPodAffinityTerm`, "Places that are better, or worse, than others.", {
  weight: required(1, int32, "How much, from 1 to 100."),
  podAffinityTerm: required(2, PodAffinityTerm, "Which places."),
}) {}
const pods = {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, list(PodAffinityTerm), "What must hold for a node; all terms.", atomic),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(WeightedPodAffinityTerm), "What should hold for a node.", atomic),
};
export class PodAffinity extends message(`${core}.PodAffinity`, "Pods to run together with.", pods) {}
export class PodAntiAffinity extends message(`${core}.PodAntiAffinity`, "Pods to run apart from.", pods) {}

export class Affinity extends message(`${core}.Affinity`, "Where a pod wants to run.", {
  nodeAffinity: optional(1, NodeAffinity, "Which nodes."),
  podAffinity: optional(2, PodAffinity, "Together with which pods."),
  podAntiAffinity: optional(3, PodAntiAffinity, "Apart from which pods."),
}) {}
