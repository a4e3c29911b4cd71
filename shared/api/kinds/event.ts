import { field, int32, kind, message, optional, required, string } from "../schema.ts";
import { microTime, time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import { resource } from "../resource.ts";

const core = "k8s.io.api.core.v1";

export class EventSource extends message(`${core}.EventSource`, "Who saw it.", {
  component: field(1, string, "The program."),
  host: field(2, string, "The node it runs on."),
}) {}

export class EventSeries extends message(`${core}.EventSeries`, "The same thing, seen again and again.", {
  count: field(1, int32, "How often, up to now."),
  lastObservedTime: field(2, microTime, "When last."),
}) {}

export class Event extends kind("v1", `${core}.Event`, "Something that happened to an object. Kept for an hour.", {
  metadata: required(1, ObjectMeta, "Name, labels and the like."),
  involvedObject: required(2, ObjectReference, "The object it happened to.", { default: {} }),
  reason: field(3, string, "What happened, as one CamelCase word."),
  message: field(4, string, "What happened, for people."),
  source: field(5, EventSource, "Who saw it.", { default: {} }),
  firstTimestamp: field(6, time, "When it happened first."),
  lastTimestamp: field(7, time, "When it happened last."),
  count: field(8, int32, "How often it happened."),
  type: field(9, string, "Normal or Warning."),
  eventTime: field(10, microTime, "When it happened; set by writers of the newer form."),
  series: optional(11, EventSeries, "The series it belongs to."),
  action: field(12, string, "What was done or tried."),
  related: optional(13, ObjectReference, "A second object, if two took part."),
  reportingComponent: field(14, string, "Who reports it, such as `kubernetes.io/kubelet`.", { default: "" }),
  reportingInstance: field(15, string, "Which instance of that program.", { default: "" }),
}) {}

export const events = resource(Event, {
  plural: "events",
  short: ["ev"],
  namespaced: true,
});
