import * as assert from "uvu/assert";
import type { Deployment } from "../../../shared/api/kinds/deployment.ts";
import { deployments } from "../../../shared/api/kinds/deployment.ts";
import { replicaSets } from "../../../shared/api/kinds/replicaset.ts";
import { planDeployment } from "../../../master/controllers/deployment.ts";
import { bounds, type StoredDeployment, type StoredReplicaSet } from "../../../master/controllers/deployment_bounds.ts";
import { deploymentStatus } from "../../../master/controllers/deployment_status.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("deployment");
let revision = 0;

const template = (image: string) => ({ metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "a", image }] } });
const deploymentOf = (spec: Record<string, unknown>, rest: object = {}): StoredDeployment => {
  const object = {
    metadata: { name: "web", namespace: "default", uid: "d", generation: 1 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: template("v1"),
      strategy: { type: "RollingUpdate", rollingUpdate: {} },
      ...spec,
    },
    ...rest,
  };
  return {
    kind: deployments,
    namespace: "default",
    name: "web",
    uid: "d",
    revision: ++revision,
    labels: {},
    deleting: false,
    object,
  } as never;
};
/** Mutable stand-ins for ReplicaSets: what a plan scales, and how many of their pods are available. */
const setOf = (image: string, replicas: number, available: number, rev = 1): StoredReplicaSet => {
  const name = `web-${image}`;
  const object = {
    metadata: { name, annotations: { "deployment.kubernetes.io/revision": String(rev) } },
    spec: { replicas, template: template(image) },
    status: { replicas, readyReplicas: available, availableReplicas: available },
  };
  return { kind: replicaSets, namespace: "default", name, uid: name, revision: ++revision, labels: {}, deleting: false, object } as never;
};
/** Pods that are about to end are left out here, but for where it counts. */
const planned = (d: StoredDeployment, sets: StoredReplicaSet[], ending = 0) => planDeployment(d, sets, () => ending);
const scales = (d: StoredDeployment, ...sets: StoredReplicaSet[]) =>
  Object.fromEntries(planned(d, sets).scale.map(({ set, replicas }) => [set.name, replicas]));

test("bounds() rounds surge up and unavailable down, and never forbids every step", () => {
  const of = (replicas: number, maxSurge: unknown, maxUnavailable: unknown) =>
    bounds(deploymentOf({ replicas, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } }).object);
  assert.equal(of(3, "25%", "25%"), { surge: 1, unavailable: 0 });
  assert.equal(of(10, "25%", "25%"), { surge: 3, unavailable: 2 });
  assert.equal(of(3, 0, "10%"), { surge: 0, unavailable: 1 });
  assert.equal(of(2, 1, 5), { surge: 1, unavailable: 2 });
});

test("planDeployment() makes a ReplicaSet for a template that has none", () => {
  const { create } = planned(deploymentOf({}), []);
  assert.is(create!.spec!.replicas, 3);
  const { labels, name } = create!.metadata!, hash = labels!["pod-template-hash"]!;
  assert.is(name, `web-${hash}`);
  assert.equal(create!.spec!.selector.matchLabels, { app: "web", "pod-template-hash": hash });
  assert.equal(planned(deploymentOf({}), []).create!.metadata!.name, name, "the same template gives the same name");
});

test("planDeployment() takes up the ReplicaSet of a template it has had", () => {
  const plan = planned(deploymentOf({}), [setOf("v1", 0, 0, 1), setOf("v2", 3, 3, 2)]);
  assert.is(plan.create, undefined);
  assert.is(plan.current!.name, "web-v1");
  assert.is(plan.revision, 3, "and it becomes the newest revision");
});

test("planDeployment() surges first, and takes unavailable old pods before available ones", () => {
  assert.equal(scales(deploymentOf({}), setOf("v1", 1, 0, 2), setOf("v0", 3, 3)), {});
  assert.equal(scales(deploymentOf({}), setOf("v1", 0, 0, 2), setOf("v0", 3, 3)), { "web-v1": 1 });
  assert.equal(scales(deploymentOf({}), setOf("v1", 1, 1, 2), setOf("v0", 3, 3)), { "web-v0": 2 });
  assert.equal(scales(deploymentOf({ replicas: 4 }), setOf("v1", 1, 0, 3), setOf("sick", 2, 0, 2), setOf("v0", 3, 3)), { "web-sick": 0 });
});

test("planDeployment() under Recreate runs nothing of the new before the old is gone", () => {
  const recreate = { strategy: { type: "Recreate" } };
  const first = planned(deploymentOf(recreate), [setOf("v0", 3, 3)]);
  assert.is(first.create, undefined);
  assert.equal(first.scale.map(({ replicas }) => replicas), [0]);
  const ending = setOf("v0", 0, 0);
  ending.object.status!.replicas = 1;
  assert.is(planned(deploymentOf(recreate), [ending]).create, undefined, "one pod of the old is still there");
  assert.is(planned(deploymentOf(recreate), [setOf("v0", 0, 0)], 1).create, undefined, "one has not ended yet");
  assert.is(planned(deploymentOf(recreate), [setOf("v0", 0, 0)]).create!.spec!.replicas, 3);
});

test("planDeployment() keeps as much history as it is told", () => {
  const old = Array.from({ length: 5 }, (_, i) => setOf(`v${i + 10}`, 0, 0, i + 1));
  const plan = planned(deploymentOf({ revisionHistoryLimit: 2 }), [...old, setOf("v1", 3, 3, 9)]);
  assert.equal(plan.remove.map(({ name }) => name), ["web-v10", "web-v11", "web-v12"]);
});

test("planDeployment() moves sizes, but not templates, while paused", () => {
  const plan = planned(deploymentOf({ paused: true, replicas: 6, template: template("v2") }), [setOf("v1", 3, 3)]);
  assert.is(plan.create, undefined);
  assert.equal(plan.scale.map(({ replicas }) => replicas), [6]);
});

test("every step of every rolling update keeps its bounds, and it ends", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed), pick = (n: number) => Math.floor(random() * n);
    const replicas = 1 + pick(8), maxSurge = pick(4), maxUnavailable = maxSurge === 0 ? 1 + pick(3) : pick(4);
    const d = deploymentOf({
      replicas,
      template: template("new"),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
    });
    const { surge, unavailable } = bounds(d.object), sets: StoredReplicaSet[] = [setOf("old", replicas, replicas)];
    const sum = (of: (set: StoredReplicaSet) => number) => sets.reduce((total, set) => total + of(set), 0);
    let rounds = 0;
    for (;; rounds++) {
      assert.ok(rounds < 500, `seed ${seed} ends`);
      const plan = planned(d, sets);
      if (plan.create) sets.push(setOf("new", plan.create.spec!.replicas!, 0, plan.revision));
      for (const { set, replicas } of plan.scale) {
        const { spec, status } = set.object, before = spec!.replicas!;
        spec!.replicas = replicas;
        // A pod that goes may be an available one only when no other is left.
        status!.availableReplicas = Math.min(status!.availableReplicas!, replicas);
        assert.ok(replicas !== before);
      }
      for (const set of sets) set.object.status!.replicas = set.object.spec!.replicas!;
      assert.ok(sum((set) => set.object.spec!.replicas!) <= replicas + surge, `seed ${seed}: too many`);
      assert.ok(sum((set) => set.object.status!.availableReplicas!) >= replicas - unavailable, `seed ${seed}: too few`);
      const fresh = sets.find((set) => set.name === "web-new");
      if (fresh && fresh.object.spec!.replicas! > fresh.object.status!.availableReplicas! && random() < 0.6) {
        fresh.object.status!.availableReplicas!++;
      }
      if (fresh && fresh.object.status!.availableReplicas === replicas && sum((set) => set.object.spec!.replicas!) === replicas) break;
    }
  }
});

test("deploymentStatus() says when it is done, and when it takes too long", () => {
  const of = (d: StoredDeployment, sets: StoredReplicaSet[], now: number) => deploymentStatus(d.object, sets[0], sets, now);
  const reason = (status: Deployment["status"], type: string) => status!.conditions!.find((condition) => condition.type === type)!.reason;
  const done = of(deploymentOf({}), [setOf("v1", 3, 3)], 0);
  assert.is(reason(done, "Progressing"), "NewReplicaSetAvailable");
  assert.is(reason(done, "Available"), "MinimumReplicasAvailable");
  const begun = of(deploymentOf({ progressDeadlineSeconds: 60 }), [setOf("v1", 3, 1)], 0);
  assert.is(reason(begun, "Progressing"), "ReplicaSetUpdated");
  const late = of(deploymentOf({ progressDeadlineSeconds: 60 }, { status: begun }), [setOf("v1", 3, 1)], 61_000);
  assert.is(reason(late, "Progressing"), "ProgressDeadlineExceeded");
  assert.equal(of(deploymentOf({}, { status: done }), [setOf("v1", 3, 3)], 99_000), done, "nothing new, nothing written");
});
