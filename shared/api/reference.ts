// How one object names another of any kind.
import { field, message, string } from "./schema.ts";

export class ObjectReference extends message(
  "k8s.io.api.core.v1.ObjectReference",
  "Names another object, or a part of one. Which of these fields are needed is up to whoever holds the reference.",
  {
    kind: field(1, string, "Kind of the object."),
    namespace: field(2, string, "Its namespace."),
    name: field(3, string, "Its name."),
    uid: field(4, string, "Its UID: an object of the same name made later is another one."),
    apiVersion: field(5, string, "Group and version of its schema."),
    resourceVersion: field(6, string, "The very state of it that is meant, if any."),
    fieldPath: field(7, string, "The part that is meant, such as `spec.containers{web}`."),
  },
  { map: "atomic" },
) {}
