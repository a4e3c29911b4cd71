import * as assert from "uvu/assert";
import { ViewReader } from "../../../agent/proxy/view.ts";
import { emptySet } from "../../../shared/wire/desired.ts";
import { routeSet, type TestService } from "../../kit/route_set.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("ViewReader");
const web = (name: string, address = "10.201.1.21"): TestService => ({
  name,
  ip: "10.202.0.10",
  ports: [{ port: 80, target: 8080 }],
  endpoints: [{ address }],
});

test("read() waits for the node's own object", () => {
  assert.is(new ViewReader().read(emptySet), undefined);
  const view = new ViewReader().read(routeSet([web("a")]))!;
  assert.equal(view.networks, { pods: ["10.201.0.0/16"], services: ["10.202.0.0/16"], localPods: ["10.201.1.0/24"] });
});

test("read() gives the same objects for what has not changed, and others for what has", () => {
  const reader = new ViewReader(), before = reader.read(routeSet([web("b"), web("a")]))!;
  assert.equal(before.services.map(({ key }) => key), ["default/a", "default/b"]);
  const after = reader.read(routeSet([web("a"), web("b", "10.201.1.22")]))!;
  assert.is(after.services[0], before.services[0]);
  assert.is.not(after.services[1], before.services[1]);
  assert.is(after.services[1]!.slices[0]!.endpoints![0]!.addresses[0], "10.201.1.22");
});

test("read() follows services that go, come back, and are made anew under their name", () => {
  const reader = new ViewReader(), full = routeSet([web("a"), web("b")]);
  reader.read(full);
  assert.equal(reader.read(routeSet([web("b")]))!.services.map(({ key }) => key), ["default/b"]);
  assert.is(reader.read(full)!.services[0]!.slices.length, 1);
  const anew = [...routeSet([web("a")]).objects].map(([uid, object]) => {
    const body = object.body.replaceAll('"s-a"', '"s-a2"').replaceAll('"e-a"', '"e-a2"');
    return uid === "s-a" || uid === "e-a"
      ? [`${uid}2`, { uid: `${uid}2`, hash: `${object.hash}2`, body }] as const
      : [uid, object] as const;
  });
  // The new one stands before the old one's removal in the order of the set: it must not be dropped with it.
  const view = reader.read({ ...full, objects: new Map(anew) })!;
  assert.equal(view.services.map(({ service, slices }) => [service.metadata!.uid, slices.length]), [["s-a2", 1]]);
});

test("read() leaves out what it cannot read", () => {
  const set = routeSet([web("a")]);
  const objects = new Map([...set.objects, ["x", { uid: "x", hash: "x", body: "{" }], ["y", { uid: "y", hash: "y", body: "null" }]]);
  assert.is(new ViewReader().read({ ...set, objects })!.services.length, 1);
});
