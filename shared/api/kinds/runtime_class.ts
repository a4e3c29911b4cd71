import { atomic, field, kind, list, map, message, optional, required, string } from "../schema.ts";
import { quantity } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Label } from "../names.ts";
import { immutable, invalid, resource } from "../resource.ts";
import { Toleration } from "./pod/pod_spec.ts";

const node = "k8s.io.api.node.v1";

export class Overhead extends message(`${node}.Overhead`, "What a pod costs beyond its containers.", {
  podFixed: field(1, map(quantity), "For every pod."),
}) {}

export class Scheduling extends message(`${node}.Scheduling`, "Which nodes have this runtime.", {
  nodeSelector: field(1, map(string), "Labels they have; joined to the pod's own.", { map: "atomic" }),
  tolerations: field(2, list(Toleration), "Taints of theirs; joined to the pod's own.", atomic),
}) {}

export class RuntimeClass extends kind("node.k8s.io/v1", `${node}.RuntimeClass`, "A way to run containers that nodes can offer.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  handler: required(2, string, "What the node's container engine calls it, such as `runc` or `crun`. It cannot change."),
  overhead: optional(3, Overhead, "What a pod costs beyond its containers."),
  scheduling: optional(4, Scheduling, "Which nodes have it. All, if left out."),
}) {}

export const runtimeClasses = resource(RuntimeClass, {
  plural: "runtimeclasses",
  namespaced: false,
  conditionalUpdate: true,
  columns: { Handler: (it) => it.handler },
  validate({ handler }, old) {
    const causes = dns1123Label(handler).map((problem) => invalid("handler", handler, problem));
    return old && old.handler !== handler ? [...causes, immutable("handler", handler)] : causes;
  },
});
