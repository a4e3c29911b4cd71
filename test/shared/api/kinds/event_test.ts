import * as assert from "uvu/assert";
import { events } from "../../../../shared/api/kinds/event.ts";
import { eventViews, fromView, toView } from "../../../../shared/api/kinds/event_view.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("events");
const event = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "web.1", namespace: "default" },
  involvedObject: { kind: "Pod", namespace: "default", name: "web", fieldPath: "spec.containers{web}" },
  reason: "Pulled",
  message: "Image is there\n",
  source: { component: "agent", host: "pi-1" },
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:01:00Z",
  count: 3,
  type: "Normal",
};
const now = Date.parse("2026-01-01T00:01:30Z");
const newForm = {
  metadata: event.metadata,
  involvedObject: event.involvedObject,
  eventTime: "2026-01-01T00:00:00.000000Z",
  reportingComponent: "skerry.dev/agent",
  reportingInstance: "pi-1",
  action: "Pull",
  reason: "Pulled",
  type: "Normal",
};

test("show when, what and to whom, with their own name last", () => {
  assert.equal(Object.entries(cells(events, event, now)), [
    ["Last Seen", "30s"],
    ["Type", "Normal"],
    ["Reason", "Pulled"],
    ["Object", "pod/web"],
    ["Subobject", "spec.containers{web}"],
    ["Source", "agent, pi-1"],
    ["Message", "Image is there"],
    ["First Seen", "90s"],
    ["Count", 3],
    ["Name", "web.1"],
  ]);
});
test("read under the names of events.k8s.io show the same", () =>
  assert.equal(cells(eventViews, toView(event), now), cells(events, event, now)));

test("toView() renames, and fromView() undoes it", () => {
  const view = toView(event);
  assert.is(view.apiVersion, "events.k8s.io/v1");
  assert.is(view.note, event.message);
  assert.equal(view.regarding, event.involvedObject);
  assert.is(view.deprecatedCount, 3);
  assert.is("message" in view, false);
  assert.equal(fromView(view), event);
  assert.equal(toView(fromView(view)), view);
});
test("have a view that can be selected by the object's fields, too", () => {
  assert.is(eventViews.selectable?.["regarding.name"]?.(toView(event)), "web");
  assert.is(events.selectable?.["involvedObject.name"]?.(event), "web");
  assert.is(events.selectable?.source?.(event), "agent");
});
test("have a view that requires a time", () => {
  assert.equal(admit(eventViews, { metadata: event.metadata }).causes, ["eventTime: Required value"]);
});

for (
  const [title, object, ...causes] of [
    [
      "another namespace than their object's",
      { ...event, metadata: { name: "a", namespace: "b" } },
      'involvedObject.namespace: Invalid value: "default": does not match event.namespace',
    ],
    [
      "a node's event outside default",
      { metadata: { name: "a", namespace: "b" }, involvedObject: { kind: "Node", name: "pi-1" } },
      'involvedObject.namespace: Invalid value: "": does not match event.namespace',
    ],
    ["a time without a reporter", { ...newForm, reportingComponent: "" }, "reportingComponent: Required value"],
    ["a time without an action", { ...newForm, action: "" }, "action: Required value"],
    ["a type of their own", { ...newForm, type: "Bad" }, 'type: Invalid value: "": has invalid value'],
    ["a novel", { ...newForm, message: "x".repeat(1025) }, 'message: Invalid value: "": can have at most 1024 characters'],
  ] as [string, object, ...string[]][]
) test(`refuse ${title}`, () => assert.equal(admit(events, object).causes, causes));

test("about a Node lie in default", () => {
  assert.equal(admit(events, { metadata: { name: "a", namespace: "default" }, involvedObject: { kind: "Node", name: "pi-1" } }).causes, []);
  assert.equal(admit(events, newForm).causes, []);
});
