import * as assert from "uvu/assert";
import { Window } from "../../../../master/store/etcd/window.ts";
import type { StoreEvent } from "../../../../master/store/store.ts";
import { etcdWindowBytes, etcdWindowEvents } from "../../../../shared/limits.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("Window");
const event = (revision: number, key = "/a", bytes = 1): StoreEvent => ({
  type: "put",
  key,
  current: { key, value: new Uint8Array(bytes), createRevision: revision, modRevision: revision, version: 1, lease: 0 },
});
const shown = (window: Window): number[] => Array.from({ length: window.events }, (_, at) => window.eventRevision(at));

test("findEvent() is the first at or behind a revision", () => {
  const window = new Window(10);
  for (const revision of [12, 12, 15]) window.add(revision, [event(revision)]);
  window.add(17, []);
  assert.equal([11, 12, 13, 15, 16, 99].map((revision) => window.findEvent(revision)), [0, 0, 2, 2, 3, 3]);
  assert.equal([window.revision, window.compactRevision], [17, 10]);
});

test("forget() drops what is compacted, and no more", () => {
  const window = new Window(1);
  for (let revision = 2; revision <= 9; revision++) window.add(revision, [event(revision)]);
  window.forget(5);
  assert.equal([shown(window), window.compactRevision], [[6, 7, 8, 9], 5]);
  window.forget(3);
  assert.is(window.compactRevision, 5);
});

test("add() keeps within its bounds, whole revisions only, but never drops what it was just given", () => {
  const window = new Window(1), many = (revision: number) => Array.from({ length: 100 }, (_, at) => event(revision, `/${at}`));
  for (let revision = 2; revision < 500; revision++) window.add(revision, many(revision));
  assert.is(window.events, etcdWindowEvents);
  assert.is(window.compactRevision, 499 - etcdWindowEvents / 100);
  assert.is(window.eventRevision(0), window.compactRevision + 1);
  window.add(500, [event(500)]);
  assert.equal([window.events, window.eventRevision(0)], [etcdWindowEvents - 99, window.compactRevision + 1]);

  for (const revision of [501, 502]) window.add(revision, [event(revision, "/large", etcdWindowBytes / 2)]);
  assert.equal([shown(window), window.compactRevision], [[502], 501]);
  window.add(503, [event(503, "/larger", etcdWindowBytes + 1)]);
  assert.equal(shown(window), [503]);
});

test("skipTo() says that what was missed is not there", () => {
  const window = new Window(1);
  window.add(2, [event(2)]);
  window.skipTo(40);
  assert.equal([window.events, window.revision, window.compactRevision], [0, 40, 40]);
});
