import { field, int32, kind, message, optional, required, string } from "../schema.ts";
import { microTime, time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import { age } from "../age.ts";
import type { Cause } from "../decode.ts";
import { qualifiedName } from "../names.ts";
import { immutable, invalid, missing, resource } from "../resource.ts";

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
  age: false,
  selectable: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject.kind ?? "",
    "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace ?? "",
    "involvedObject.name": ({ involvedObject }) => involvedObject.name ?? "",
    "involvedObject.uid": ({ involvedObject }) => involvedObject.uid ?? "",
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath ?? "",
    reason: (event) => event.reason ?? "",
    reportingComponent: (event) => event.reportingComponent ?? "",
    source: (event) => event.source?.component || event.reportingComponent || "",
    type: (event) => event.type ?? "",
  },
  columns: {
    "Last Seen": (event, now) => age(event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime, now),
    Type: (event) => event.type ?? "",
    Reason: (event) => event.reason ?? "",
    Object: ({ involvedObject: { kind = "", name } }) => name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase(),
    Subobject: { wide: true, cell: (event) => event.involvedObject.fieldPath ?? "" },
    Source: {
      wide: true,
      cell: ({ source, reportingComponent, reportingInstance }) => seenBy(source, reportingComponent, reportingInstance),
    },
    Message: (event) => (event.message ?? "").trim(),
    "First Seen": { wide: true, cell: (event, now) => age(event.firstTimestamp ?? event.eventTime, now) },
    Count: { wide: true, type: "integer", cell: (event) => event.series?.count ?? (event.count || 1) },
    Name: { wide: true, cell: (event) => event.metadata.name ?? "" },
  },
  validate: (event, old) => event.eventTime ? validateNewForm(event, old) : validateNamespace(event, ["default"]),
});

const seenBy = (source: EventSource | undefined, component = "", instance = ""): string =>
  [source?.component || component, source?.host || (source?.component ? "" : instance)].filter(Boolean).join(", ");

/** An event lies in the namespace of its object; one about an object without a namespace, in one of `elsewhere`. */
function validateNamespace({ metadata, involvedObject }: Event, elsewhere: readonly string[]): Cause[] {
  const { namespace = "" } = metadata, about = involvedObject.namespace ?? "";
  const fits = about ? about === namespace : namespace === "" || elsewhere.includes(namespace);
  return fits ? [] : [invalid("involvedObject.namespace", about, "does not match event.namespace")];
}

/** Upstream's limits of an event in characters. */
const most = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

/** Events with an eventTime say everything, and only their series goes on. */
function validateNewForm(event: Event, old?: Event): Cause[] {
  const causes = validateNamespace(event, ["default", "kube-system"]), { reportingComponent, type = "" } = event;
  if (!reportingComponent) causes.push(missing("reportingComponent"));
  else causes.push(...qualifiedName(reportingComponent).map((problem) => invalid("reportingComponent", reportingComponent, problem)));
  for (const field of ["reportingInstance", "action", "reason"] as const) if (!event[field]) causes.push(missing(field));
  for (const [field, characters] of Object.entries(most) as [keyof typeof most, number][]) {
    if ((event[field] ?? "").length > characters) causes.push(invalid(field, "", `can have at most ${characters} characters`));
  }
  if (type !== "Normal" && type !== "Warning") causes.push(invalid("type", "", "has invalid value"));
  if (old?.eventTime && Date.parse(old.eventTime) !== Date.parse(event.eventTime!)) causes.push(immutable("eventTime", event.eventTime));
  return causes;
}
