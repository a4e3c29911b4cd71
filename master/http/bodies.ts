// Kinds that only travel: bodies of subresources. Nothing of them is stored.
import { ObjectMeta } from "../../shared/api/meta.ts";
import { ObjectReference } from "../../shared/api/reference.ts";
import { bool, field, int32, int64, kind, list, type Message, message, optional, required, string } from "../../shared/api/schema.ts";
import type { BodyKind } from "./object.ts";

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1";
const autoscaling = "k8s.io.api.autoscaling.v1";

const travelling = <T>(schema: Message<T>, plural: string): BodyKind<T> => {
  const [version, group = ""] = schema.apiVersion!.split("/").reverse() as [string, string?];
  return { group, version, kind: schema.id.slice(schema.id.lastIndexOf(".") + 1), plural, schema };
};

export class Preconditions extends message(`${meta}.Preconditions`, "What must be so for the deletion to happen.", {
  uid: optional(1, string, "The object's UID."),
  resourceVersion: optional(2, string, "The object's resourceVersion."),
}) {}

const deleteOptionsFields = {
  gracePeriodSeconds: optional(1, int64, "Seconds until it goes; 0 at once. Negative: 1."),
  preconditions: optional(2, Preconditions, "What must be so for the deletion to happen."),
  orphanDependents: optional(3, bool, "The old form of propagationPolicy."),
  propagationPolicy: optional(4, string, "What becomes of dependents: Orphan, Background or Foreground."),
  dryRun: field(5, list(string), "All: change nothing."),
  ignoreStoreReadErrorWithClusterBreakingPotential: optional(
    6,
    bool,
    "Accepted and without effect: what we cannot read, we do not delete.",
  ),
};
export class DeleteOptionsBody extends kind("v1", `${meta}.DeleteOptions`, "How something is deleted.", deleteOptionsFields) {}
export const deleteOptionsBody = travelling(DeleteOptionsBody, "deleteoptions");

export class Eviction
  extends kind("policy/v1", "k8s.io.api.policy.v1.Eviction", "Asks for a pod to go, if its disruption budget allows it.", {
    metadata: field(1, ObjectMeta, "Name and namespace of the pod."),
    deleteOptions: optional(2, DeleteOptionsBody, "How it is deleted."),
  }) {}
export const evictionBody = travelling(Eviction, "evictions");

export class Binding extends kind("v1", "k8s.io.api.core.v1.Binding", "Gives a pod its node.", {
  metadata: field(1, ObjectMeta, "Name and namespace of the pod."),
  target: required(2, ObjectReference, "The node."),
}) {}
export const bindingBody = travelling(Binding, "bindings");

export class ScaleSpec extends message(`${autoscaling}.ScaleSpec`, "How many are wanted.", {
  replicas: field(1, int32, "Their number."),
}) {}
export class ScaleStatus extends message(`${autoscaling}.ScaleStatus`, "How many there are.", {
  replicas: required(1, int32, "Their number.", { default: 0 }),
  selector: field(2, string, "Which pods count, as the text of a label selector."),
}) {}
export class Scale extends kind("autoscaling/v1", `${autoscaling}.Scale`, "The number of replicas of any kind that has one.", {
  metadata: field(1, ObjectMeta, "Metadata of the scaled object."),
  spec: field(2, ScaleSpec, "What is wanted."),
  status: field(3, ScaleStatus, "What is."),
}) {}
export const scaleBody = travelling(Scale, "scales");
