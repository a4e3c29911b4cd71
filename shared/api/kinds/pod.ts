// A pod: containers that live and die together on one node. Its messages lie in pod/, one noun a file.
import { age, ageOf } from "../age.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { field, kind } from "../schema.ts";
import { defaultPod, inheritPod } from "./pod/defaults.ts";
import { PodSpec } from "./pod/pod_spec.ts";
import { PodStatus } from "./pod/pod_status.ts";
import { qosClass } from "./pod/qos.ts";
import { summary } from "./pod/summary.ts";
import { validatePod } from "./pod/validate.ts";

export class Pod extends kind("v1", "k8s.io.api.core.v1.Pod", "Containers that live and die together on one node.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, PodSpec, "What is wanted."),
  status: field(3, PodStatus, "What is. Written by the node and the system."),
}) {}

const stream = { kind: "PodExecOptions", verbs: ["create", "get"] };

export const pods = resource(Pod, {
  plural: "pods",
  short: ["po"],
  categories: ["all"],
  namespaced: true,
  status: true,
  subresources: [
    { name: "log", kind: "Pod", verbs: ["get"] },
    { ...stream, name: "exec" },
    { ...stream, name: "attach", kind: "PodAttachOptions" },
    { ...stream, name: "portforward", kind: "PodPortForwardOptions" },
    { name: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
    { name: "binding", kind: "Binding", verbs: ["create"] },
    { name: "ephemeralcontainers", kind: "Pod", verbs: ["get", "patch", "update"] },
    { name: "resize", kind: "Pod", verbs: ["get", "patch", "update"] },
  ],
  selectable: {
    "spec.nodeName": ({ spec }) => spec?.nodeName ?? "",
    "spec.restartPolicy": ({ spec }) => spec?.restartPolicy ?? "",
    "spec.schedulerName": ({ spec }) => spec?.schedulerName ?? "",
    "spec.serviceAccountName": ({ spec }) => spec?.serviceAccountName ?? "",
    "spec.hostNetwork": ({ spec }) => String(spec?.hostNetwork ?? false),
    "status.phase": ({ status }) => status?.phase ?? "",
    "status.podIP": ({ status }) => status?.podIP ?? "",
    "status.nominatedNodeName": ({ status }) => status?.nominatedNodeName ?? "",
  },
  columns: {
    Ready: (pod) => {
      const { ready, containers } = summary(pod);
      return `${ready}/${containers}`;
    },
    Status: (pod) => summary(pod).status,
    Restarts: (pod, now) => {
      const { restarts, lastRestart } = summary(pod);
      return restarts > 0 && lastRestart ? `${restarts} (${age(lastRestart, now)} ago)` : String(restarts);
    },
    Age: ageOf,
    IP: { wide: true, cell: ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || "<none>" },
    Node: { wide: true, cell: ({ spec }) => spec?.nodeName || "<none>" },
    "Nominated Node": { wide: true, cell: ({ status }) => status?.nominatedNodeName || "<none>" },
    "Readiness Gates": { wide: true, cell: readinessGates },
  },
  defaults: defaultPod,
  inherit: inheritPod,
  validate: validatePod,
  born(pod) {
    pod.status = { phase: "Pending", qosClass: qosClass(pod) };
  },
});

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const open = gates.filter(({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status === "True");
  return `${open.length}/${gates.length}`;
}
