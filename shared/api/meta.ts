// What every object carries, and the messages that kinds share.
import { atomic, bool, field, int64, list, map, message, optional, refine, required, string } from "./schema.ts";
import { dns1123Label, obeys } from "./names.ts";
import { fieldsV1, time } from "./scalars.ts";

/** A name that is one part of a host name. */
export const label = refine(string, obeys(dns1123Label));

export class OwnerReference extends message(
  "k8s.io.apimachinery.pkg.apis.meta.v1.OwnerReference",
  "The object that owns this one, in the same namespace or cluster-wide.",
  {
    kind: required(1, string, "Kind of the owner."),
    name: required(3, string, "Name of the owner."),
    uid: required(4, string, "UID of the owner: an owner of the same name made later does not count."),
    apiVersion: required(5, string, "Group and version of the owner."),
    controller: optional(6, bool, "Is this the one owner that manages the object?"),
    blockOwnerDeletion: optional(7, bool, "Does a foreground deletion of the owner wait for this object?"),
  },
  { map: "atomic" },
) {}

export class ManagedFieldsEntry extends message("k8s.io.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry", "The fields one writer owns.", {
  manager: field(1, string, "Name of the writer."),
  operation: field(2, string, "How they were written: Apply or Update."),
  apiVersion: field(3, string, "Version of the schema the field set is written in."),
  time: optional(4, time, "When the set last changed."),
  fieldsType: field(6, string, "Format of the set; FieldsV1 is the only one."),
  fieldsV1: optional(7, fieldsV1, "The set itself."),
  subresource: field(8, string, "Subresource written through, if any."),
}) {}

export class ObjectMeta extends message("k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta", "Data that all stored objects have.", {
  name: field(1, string, "Name, unique in its namespace. It cannot change."),
  generateName: field(2, string, "Prefix from which the server makes a unique name, if none is given."),
  namespace: field(3, string, "The space in which the name is unique."),
  selfLink: field(4, string, "No longer set by the system."),
  uid: field(5, string, "Set by the server: unique over all objects and all time."),
  resourceVersion: field(6, string, "The write that made this state. Opaque: compare for equality, send it back unchanged."),
  generation: field(7, int64, "Counts changes of the desired state."),
  creationTimestamp: field(8, time, "When the server made the object."),
  deletionTimestamp: optional(9, time, "When the object will go. Set by the server on a graceful deletion."),
  deletionGracePeriodSeconds: optional(10, int64, "Seconds a graceful deletion may take."),
  labels: field(11, map(string), "Keys and values to select objects by."),
  annotations: field(12, map(string), "Keys and values that tools store here; nobody selects by them."),
  ownerReferences: field(13, list(OwnerReference), "The objects this one depends on; when the last is gone, so is it.", {
    list: "map",
    keys: ["uid"],
    patch: { strategy: "merge", key: "uid" },
  }),
  finalizers: field(14, list(string), "Who must still clean up before the object may go.", { list: "set", patch: { strategy: "merge" } }),
  managedFields: field(17, list(ManagedFieldsEntry), "Who wrote what; kept for server-side apply.", { list: "atomic" }),
}) {}

export class ShardInfo extends message("k8s.io.apimachinery.pkg.apis.meta.v1.ShardInfo", "Which share of a list this is.", {
  selector: required(1, string, "The share asked for."),
}) {}

export class ListMeta extends message("k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta", "Data that all lists have.", {
  selfLink: field(1, string, "No longer set by the system."),
  resourceVersion: field(2, string, "The state of the store that the list shows."),
  continue: field(3, string, "With this the next page can be had, if there is one."),
  remainingItemCount: optional(4, int64, "How many are on the pages that follow."),
  shardInfo: optional(5, ShardInfo, "Which share of a list this is."),
}) {}

export class LabelSelectorRequirement extends message(
  "k8s.io.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement",
  "A rule about one label.",
  {
    key: required(1, string, "Key of the label."),
    operator: required(2, string, "In, NotIn, Exists or DoesNotExist."),
    values: field(3, list(string), "Values for In and NotIn; none for the others.", atomic),
  },
) {}

export class LabelSelector extends message(
  "k8s.io.apimachinery.pkg.apis.meta.v1.LabelSelector",
  "Which objects are meant, by their labels. All its rules must hold; with none, all objects are meant.",
  {
    matchLabels: field(1, map(string), "Labels and the values they must have."),
    matchExpressions: field(2, list(LabelSelectorRequirement), "Further rules.", atomic),
  },
  { map: "atomic" },
) {}

export class Condition extends message("k8s.io.apimachinery.pkg.apis.meta.v1.Condition", "One aspect of an object's state.", {
  type: required(1, string, "Name of the aspect."),
  status: required(2, string, "True, False or Unknown."),
  observedGeneration: field(3, int64, "The generation this was seen for."),
  lastTransitionTime: required(4, time, "When the status last changed."),
  reason: required(5, string, "Why, as one CamelCase word."),
  message: required(6, string, "Why, for people.", { default: "" }),
}) {}
