// events.k8s.io/v1: the events of the core group under other field names. Nothing is stored twice.
import { field, int32, kind, message, optional, required, string } from "../schema.ts";
import { microTime, time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import { resource, viewOf } from "../resource.ts";
import { type Event as CoreEvent, events, EventSource } from "./event.ts";

const group = "k8s.io.api.events.v1";

export class EventSeries extends message(`${group}.EventSeries`, "The same thing, seen again and again.", {
  count: required(1, int32, "How often, up to now."),
  lastObservedTime: required(2, microTime, "When last."),
}) {}

export class Event extends kind("events.k8s.io/v1", `${group}.Event`, "Something that happened to an object. Kept for an hour.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like.", { default: {} }),
  eventTime: required(2, microTime, "When it happened."),
  series: optional(3, EventSeries, "The series it belongs to."),
  reportingController: field(4, string, "Who reports it, such as `kubernetes.io/kubelet`."),
  reportingInstance: field(5, string, "Which instance of that program."),
  action: field(6, string, "What was done or tried."),
  reason: field(7, string, "What happened, as one CamelCase word."),
  regarding: field(8, ObjectReference, "The object it happened to.", { default: {} }),
  related: optional(9, ObjectReference, "A second object, if two took part."),
  note: field(10, string, "What happened, for people."),
  type: field(11, string, "Normal or Warning."),
  deprecatedSource: field(12, EventSource, "`source` of the core group's event."),
  deprecatedFirstTimestamp: field(13, time, "Its `firstTimestamp`."),
  deprecatedLastTimestamp: field(14, time, "Its `lastTimestamp`."),
  deprecatedCount: field(15, int32, "Its `count`."),
}) {}

/** Core name → name here, where they differ. */
const renamed = {
  involvedObject: "regarding",
  message: "note",
  reportingComponent: "reportingController",
  source: "deprecatedSource",
  firstTimestamp: "deprecatedFirstTimestamp",
  lastTimestamp: "deprecatedLastTimestamp",
  count: "deprecatedCount",
} as const;
const back = Object.fromEntries(Object.entries(renamed).map(([core, here]) => [here, core]));
const rename = (object: object, names: Readonly<Record<string, string>>, apiVersion: string): object => ({
  ...Object.fromEntries(Object.entries(object).map(([key, value]) => [names[key] ?? key, value])),
  apiVersion,
});
/** Events of the older form have no eventTime; here it stands, and is null. */
export const toView = (event: CoreEvent): Event => ({ eventTime: null, ...rename(event, renamed, "events.k8s.io/v1") }) as never;
export function fromView(event: Event): CoreEvent {
  const { eventTime, ...rest } = event as Omit<Event, "eventTime"> & { eventTime?: string | null };
  return rename({ ...rest, ...eventTime && { eventTime } }, back, "v1") as CoreEvent;
}

export const eventViews = resource(Event, {
  plural: "events",
  short: ["ev"],
  namespaced: true,
  age: false,
  view: viewOf(events, { read: toView, write: fromView }),
  selectable: {
    reason: (event) => event.reason ?? "",
    reportingController: (event) => event.reportingController ?? "",
    type: (event) => event.type ?? "",
    ...Object.fromEntries(
      Object.entries(events.selectable ?? {}).filter(([field]) => field.startsWith("involvedObject."))
        .map(([field, value]) => [field.replace("involvedObject", "regarding"), (event: Event) => value(fromView(event))]),
    ),
  },
  columns: Object.fromEntries(
    Object.entries(events.columns ?? {}).map(([name, column]) => {
      const { cell, ...look } = typeof column === "function" ? { cell: column } : column;
      return [name, { ...look, cell: (event: Event, now: number) => cell(fromView(event), now) }];
    }),
  ),
});
