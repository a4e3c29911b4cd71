// The body of pods/eviction: deletes a pod if its disruption budgets allow it.
import { field, kind, optional } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { DeleteOptions } from "./delete_options.ts";

export class Eviction
  extends kind("policy/v1", "k8s.io.api.policy.v1.Eviction", "Asks a pod to go, as far as its disruption budgets allow.", {
    metadata: field(1, ObjectMeta, "Name and namespace of the pod."),
    deleteOptions: optional(2, DeleteOptions, "How to delete it."),
  }) {}
