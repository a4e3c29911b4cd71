// The body of pods/binding, and of the older resource bindings: gives a pod its node.
import { field, kind, required } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import { missing, resource, unsupported } from "../resource.ts";

export class Binding extends kind("v1", "k8s.io.api.core.v1.Binding", "Ties a pod to a node.", {
  metadata: field(1, ObjectMeta, "Name and namespace of the pod."),
  target: required(2, ObjectReference, "The node."),
}) {}

export const bindings = resource(Binding, {
  plural: "bindings",
  namespaced: true,
  stored: false,
  verbs: ["create"],
  validate({ target }) {
    const { kind = "", name = "" } = target;
    if (kind !== "" && kind !== "Node") return [unsupported("target.kind", kind, ["Node", "<empty>"])];
    return name === "" ? [missing("target.name")] : [];
  },
});
