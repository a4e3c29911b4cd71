// How a pod's parts name other objects.
import { field, message, optional, required, string } from "../../schema.ts";

const core = "k8s.io.api.core.v1";
const whole = { map: "atomic" } as const;

export class LocalObjectReference extends message(`${core}.LocalObjectReference`, "An object in the same namespace.", {
  name: field(1, string, "Name of the object."),
}, whole) {}

export class SecretReference extends message(`${core}.SecretReference`, "A Secret in any namespace.", {
  name: field(1, string, "Name of the Secret."),
  namespace: field(2, string, "Its namespace."),
}, whole) {}

export class TypedLocalObjectReference extends message(
  `${core}.TypedLocalObjectReference`,
  "An object of any kind in the same namespace.",
  {
    apiGroup: optional(1, string, "Group of the object; the core group, if left out."),
    kind: required(2, string, "Kind of the object."),
    name: required(3, string, "Name of the object."),
  },
  whole,
) {}

export class TypedObjectReference extends message(`${core}.TypedObjectReference`, "An object of any kind.", {
  apiGroup: optional(1, string, "Group of the object; the core group, if left out."),
  kind: required(2, string, "Kind of the object."),
  name: required(3, string, "Name of the object."),
  namespace: optional(4, string, "Namespace of the object; the same, if left out."),
}) {}
