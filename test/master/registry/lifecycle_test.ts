import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { bear, type Draft, finishes, generationOf, planDelete, revise, timestamp, unchanged } from "../../../master/registry/lifecycle.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("registry lifecycle");
const pod = pods as unknown as Kind, namespace = namespaces as unknown as Kind, map = configMaps as unknown as Kind;
const deployment = deployments as unknown as Kind;
const now = Date.parse("2026-01-01T12:00:00.987Z");

const running: Draft = {
  metadata: { name: "web", namespace: "default", uid: "u", generation: 1 },
  spec: { nodeName: "pi-7", terminationGracePeriodSeconds: 30 },
  status: { phase: "Running" },
};
const marked = (plan: ReturnType<typeof planDelete>): Draft["metadata"] => {
  if (plan.do !== "mark") throw new Error(`expected mark, got ${plan.do}`);
  return plan.object.metadata;
};

test("timestamp() has whole seconds", () => assert.is(timestamp(now), "2026-01-01T12:00:00Z"));

test("bear() sets identity and time, and drops what a client may not say", () => {
  const given: Draft = {
    metadata: {
      name: "x",
      uid: "mine",
      generation: 9,
      creationTimestamp: "1999-01-01T00:00:00Z",
      deletionTimestamp: "1999-01-01T00:00:00Z",
      selfLink: "/x",
    },
    spec: {},
    status: { replicas: 9 },
  };
  const born = bear(deployment, given, { uid: "u", name: "x", now });
  assert.equal(born, { metadata: { name: "x", uid: "u", creationTimestamp: "2026-01-01T12:00:00Z", generation: 1 }, spec: {} });
  assert.is(bear(map, { metadata: {} }, { uid: "u", name: "x", now }).metadata.generation, undefined, "no spec, no generation");
});

test("planDelete() gives a running pod its grace period, and counts a generation", () => {
  const metadata = marked(planDelete(pod, running, {}, now));
  assert.is(metadata.deletionTimestamp, "2026-01-01T12:00:30Z");
  assert.is(metadata.deletionGracePeriodSeconds, 30);
  assert.is(metadata.generation, 2);
  assert.is(marked(planDelete(pod, running, { gracePeriodSeconds: 5 }, now)).deletionTimestamp, "2026-01-01T12:00:05Z");
  assert.is(marked(planDelete(pod, running, { gracePeriodSeconds: -1 }, now)).deletionGracePeriodSeconds, 1, "negative means one");
});

test("planDelete() removes at once what nobody runs, has finished, or is forced", () => {
  assert.is(planDelete(pod, { ...running, spec: {} }, {}, now).do, "remove");
  assert.is(planDelete(pod, { ...running, status: { phase: "Failed" } }, { gracePeriodSeconds: 60 }, now).do, "remove");
  assert.is(planDelete(pod, running, { gracePeriodSeconds: 0 }, now).do, "remove");
  assert.is(planDelete(map, { metadata: { name: "x" } }, { gracePeriodSeconds: 60 }, now).do, "remove");
});

test("planDelete() may only shorten a grace period that runs", () => {
  const plan = planDelete(pod, running, { gracePeriodSeconds: 60 }, now);
  const terminating = plan.do === "mark" ? plan.object : running;
  assert.is(planDelete(pod, terminating, {}, now + 5000).do, "wait");
  assert.is(planDelete(pod, terminating, { gracePeriodSeconds: 90 }, now + 5000).do, "wait");
  const shorter = marked(planDelete(pod, terminating, { gracePeriodSeconds: 10 }, now + 5000));
  assert.is(shorter.deletionTimestamp, "2026-01-01T12:00:10Z", "counted from the first request");
  assert.is(shorter.generation, 2);
  assert.is(planDelete(pod, terminating, { gracePeriodSeconds: 0 }, now).do, "remove");
});

test("planDelete() leaves what has finalizers, and finishes() when the last has gone", () => {
  const held: Draft = { metadata: { name: "x", finalizers: ["skerry.dev/a"] } };
  const plan = planDelete(map, held, {}, now);
  const metadata = marked(plan);
  assert.equal([metadata.deletionTimestamp, metadata.deletionGracePeriodSeconds], ["2026-01-01T12:00:00Z", 0]);
  assert.is(finishes(map, { metadata }), false);
  const { finalizers: _, ...free } = metadata;
  assert.is(finishes(map, { metadata: free }), true);
  assert.is(planDelete(map, { metadata }, {}, now + 9000).do, "wait");
  assert.is(
    finishes(pod, { metadata: { ...free, deletionGracePeriodSeconds: 30 } }),
    false,
    "the node has not said yet that it has stopped",
  );
});

test("planDelete() turns the propagation policy into the garbage collector's finalizers", () => {
  const finalizers = (policy: "Orphan" | "Foreground" | "Background", had: string[] = []) => {
    const plan = planDelete(map, { metadata: { name: "x", finalizers: had } }, { propagationPolicy: policy }, now);
    return plan.do === "remove" ? "removed" : marked(plan).finalizers;
  };
  assert.equal(finalizers("Orphan"), ["orphan"]);
  assert.equal(finalizers("Foreground", ["a", "orphan"]), ["a", "foregroundDeletion"]);
  assert.is(finalizers("Background"), "removed");
  assert.is(finalizers("Background", ["orphan"]), "removed");
});

test("planDelete() keeps a namespace until its own finalizers have gone too", () => {
  const old: Draft = { metadata: { name: "n" }, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
  const plan = planDelete(namespace, old, {}, now);
  assert.equal(plan.do === "mark" && plan.object.status, { phase: "Terminating" });
  assert.is(finishes(namespace, { metadata: marked(plan), spec: { finalizers: ["kubernetes"] } }), false);
  assert.is(finishes(namespace, { metadata: marked(plan), spec: {} }), true);
});

test("revise() gives each writer its part: status through /status, the rest without", () => {
  const old: Draft = {
    metadata: {
      name: "w",
      uid: "u",
      creationTimestamp: "2026-01-01T00:00:00Z",
      generation: 3,
      labels: { a: "1" },
      annotations: { seen: "old" },
    },
    spec: { replicas: 1 },
    status: { replicas: 1 },
  };
  const given: Draft = {
    metadata: { name: "w", labels: { a: "2" }, annotations: { seen: "new" } },
    spec: { replicas: 2 },
    status: { replicas: 2 },
  };
  const whole = revise(deployment, old, given, { system: false });
  assert.equal([whole.spec, whole.status, whole.metadata.labels], [{ replicas: 2 }, { replicas: 1 }, { a: "2" }]);
  assert.equal([whole.metadata.uid, whole.metadata.generation, whole.metadata.creationTimestamp], ["u", 3, "2026-01-01T00:00:00Z"]);
  const status = revise(deployment, old, given, { subresource: "status", system: false });
  assert.equal([status.spec, status.status, status.metadata], [{ replicas: 1 }, { replicas: 2 }, old.metadata]);
  const system = revise(deployment, old, given, { subresource: "status", system: true });
  assert.equal([system.metadata.annotations, system.metadata.labels], [{ seen: "new" }, { a: "1" }]);
});

test("generationOf() counts changes of the spec, not of metadata or status", () => {
  const old: Draft = { metadata: { generation: 4 }, spec: { replicas: 1 }, status: {} };
  assert.is(generationOf(deployment, old, { ...old, spec: { replicas: 2 } }), 5);
  assert.is(generationOf(deployment, old, { ...old, status: { replicas: 1 }, metadata: { labels: { a: "b" } } }), 4);
  assert.is(generationOf(map, { metadata: {} }, { metadata: {} }), undefined);
});

test("unchanged() looks past the order of keys, the version and the time of managed fields", () => {
  const entry = { manager: "kubectl", operation: "Update" };
  const a: Draft = {
    metadata: { name: "x", resourceVersion: "1", labels: { a: "1", b: "2" }, managedFields: [{ ...entry, time: "2026-01-01T00:00:00Z" }] },
  };
  const b: Draft = { metadata: { labels: { b: "2", a: "1" }, name: "x", managedFields: [{ ...entry, time: "2026-02-02T00:00:00Z" }] } };
  assert.is(unchanged(a, b), true);
  assert.is(unchanged(a, { metadata: { ...b.metadata, labels: { a: "1" } } }), false);
});
