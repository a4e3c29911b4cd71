// What nodes and pods use right now: measured when somebody asks, kept nowhere. `kubectl top` reads it.
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { duration, quantity, time } from "../scalars.ts";
import { field, kind, list, map, message, required, string } from "../schema.ts";
import { addQuantities } from "../quantity.ts";

const metrics = "k8s.io.metrics.pkg.apis.metrics.v1beta1";
const usage = map(quantity);
const when = {
  timestamp: field(2, time, "When it was measured."),
  window: field(3, duration, "The time over which CPU was measured, up to then."),
};

export class NodeMetrics extends kind("metrics.k8s.io/v1beta1", `${metrics}.NodeMetrics`, "What a node uses.", {
  metadata: field(1, ObjectMeta, "Name and labels of the node."),
  ...when,
  usage: field(4, usage, "CPU and memory."),
}) {}
export class ContainerMetrics extends message(`${metrics}.ContainerMetrics`, "What a container uses.", {
  name: required(1, string, "Name of the container."),
  usage: field(2, usage, "CPU and memory."),
}) {}
export class PodMetrics extends kind("metrics.k8s.io/v1beta1", `${metrics}.PodMetrics`, "What a pod's containers use.", {
  metadata: field(1, ObjectMeta, "Name, namespace and labels of the pod."),
  ...when,
  containers: field(4, list(ContainerMetrics), "What each container uses."),
}) {}

const facts = { stored: false, verbs: ["get", "list"], age: false } as const;
type Used = { readonly usage?: Readonly<Record<string, string>> };
const sum = (parts: readonly Used[], what: string): string =>
  parts.reduce((all, { usage }) => addQuantities(all, usage?.[what] ?? "0"), "0");

export const nodeMetrics = resource(NodeMetrics, {
  ...facts,
  plural: "nodes",
  namespaced: false,
  columns: { CPU: (it) => sum([it], "cpu"), Memory: (it) => sum([it], "memory"), Window: ({ window }) => window ?? "" },
});
export const podMetrics = resource(PodMetrics, {
  ...facts,
  plural: "pods",
  namespaced: true,
  columns: {
    CPU: ({ containers = [] }) => sum(containers, "cpu"),
    Memory: ({ containers = [] }) => sum(containers, "memory"),
    Window: ({ window }) => window ?? "",
  },
});
