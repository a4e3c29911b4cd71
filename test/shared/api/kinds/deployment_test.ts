import * as assert from "uvu/assert";
import { controllerRevisions } from "../../../../shared/api/kinds/controller_revision.ts";
import { daemonSets } from "../../../../shared/api/kinds/daemonset.ts";
import { deployments } from "../../../../shared/api/kinds/deployment.ts";
import { replicaSets } from "../../../../shared/api/kinds/replicaset.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("workloads");
const metadata = { name: "web" };
const labels = { app: "web" };
const selector = { matchLabels: labels };
const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx:1.27" }] } };
const workload = (spec: object = {}): object => ({ metadata, spec: { selector, template, ...spec } });
const withPod = (spec: object): object => workload({ template: { ...template, spec: { ...template.spec, ...spec } } });

test("deployments get their defaults", () => {
  const { object, causes } = admit(deployments, workload());
  assert.equal(causes, []);
  const { template: made, ...spec } = object.spec!;
  assert.equal(spec, {
    replicas: 1,
    selector,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  });
  assert.equal(made.spec?.securityContext, {});
  assert.is(made.spec?.containers[0]?.imagePullPolicy, "IfNotPresent");
});
test("deployments leave to the pod what only a pod gets", () => {
  const { template: made } = admit(
    deployments,
    withPod({
      hostNetwork: true,
      containers: [{ name: "web", image: "a", resources: { limits: { cpu: "1" } }, ports: [{ containerPort: 80 }] }],
    }),
  ).object.spec!;
  assert.is(made.spec?.enableServiceLinks, undefined);
  assert.equal(made.spec?.containers[0]?.resources, { limits: { cpu: "1" } });
  assert.equal(made.spec?.containers[0]?.ports, [{ containerPort: 80, protocol: "TCP" }]);
});
test("deployments keep the zeros that say something", () => {
  const strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
  const zeros = { replicas: 0, revisionHistoryLimit: 0, minReadySeconds: 0, paused: false, strategy };
  const spec = admit(deployments, workload(zeros)).object.spec!;
  assert.is(spec.replicas, 0);
  assert.is(spec.revisionHistoryLimit, 0);
  assert.equal(spec.strategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
  for (const key of ["minReadySeconds", "paused"]) assert.not(key in spec, key);
});
test("deployments that recreate get no bounds of a rolling update", () => {
  assert.equal(admit(deployments, workload({ strategy: { type: "Recreate" } })).object.spec!.strategy, { type: "Recreate" });
});
test("daemon sets and replica sets get their defaults", () => {
  const daemon = admit(daemonSets, workload());
  assert.equal(daemon.causes, []);
  assert.equal(daemon.object.spec?.updateStrategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
  assert.is(daemon.object.spec?.revisionHistoryLimit, 10);
  const replica = admit(replicaSets, workload());
  assert.equal(replica.causes, []);
  assert.is(replica.object.spec?.replicas, 1);
});
for (const kind of [deployments, daemonSets, replicaSets]) {
  test(`${kind.plural} get the same defaults from an object that has them`, () => {
    const once = admit(kind as typeof deployments, workload()).object;
    assert.equal(admit(kind as typeof deployments, once).object, once);
  });
}

const mismatch = 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`';
const percent =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const rolling = (rollingUpdate: object): object => workload({ strategy: { rollingUpdate } });
const wrong: readonly [title: string, input: object, ...causes: string[]][] = [
  ["no selector", { metadata, spec: { template } }, "spec.selector: Required value"],
  ["no template", { metadata, spec: { selector } }, "spec.template: Required value"],
  ["an empty selector", workload({ selector: {} }), "spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
  ["a selector of other pods", workload({ selector: { matchLabels: { app: "db" } } }), mismatch],
  [
    "a selector of other pods, in words",
    workload({ selector: { matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] } }),
    mismatch,
  ],
  [
    "a selector that says nothing",
    workload({ selector: { matchExpressions: [{ key: "app", operator: "In" }] } }),
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
  ],
  ["no containers", withPod({ containers: [] }), "spec.template.spec.containers: Required value"],
  [
    "pods that end",
    withPod({ restartPolicy: "OnFailure" }),
    'spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"',
  ],
  [
    "pods with a deadline",
    withPod({ activeDeadlineSeconds: 9 }),
    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
  ],
  [
    "pods with ephemeral containers",
    withPod({ ephemeralContainers: [{ name: "d", image: "d" }] }),
    "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
  ],
  ["fewer than no replicas", workload({ replicas: -1 }), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
  [
    "a rolling update that cannot move",
    rolling({ maxSurge: 0, maxUnavailable: "0%" }),
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
  ],
  [
    "more than all unavailable",
    rolling({ maxUnavailable: "101%" }),
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
  ],
  ["a part that is none", rolling({ maxSurge: "half" }), `spec.strategy.rollingUpdate.maxSurge: Invalid value: "half": ${percent}`],
  [
    "bounds of a rolling update without one",
    workload({ strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    "a deadline before pods can be available",
    workload({ minReadySeconds: 60, progressDeadlineSeconds: 60 }),
    "spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds",
  ],
];
for (const [title, input, ...causes] of wrong) {
  test(`deployments may not have ${title}`, () => assert.equal(admit(deployments, input).causes, causes));
}
test("no workload may get another selector", () => {
  const other = { app: "web", tier: "front" };
  const changed = workload({ selector: { matchLabels: other }, template: { ...template, metadata: { labels: other } } });
  const cause = ['spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable'];
  assert.equal(admit(deployments, changed, admit(deployments, workload()).object).causes, cause);
  assert.equal(admit(replicaSets, changed, admit(replicaSets, workload()).object).causes, cause);
  assert.equal(admit(daemonSets, changed, admit(daemonSets, workload()).object).causes, cause);
});
test("a selector is the same with its labels in another order", () => {
  const more = (labels: object) => workload({ selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } });
  assert.equal(admit(deployments, more({ b: "2", a: "1" }), admit(deployments, more({ a: "1", b: "2" })).object).causes, []);
});
const daemon = (rollingUpdate: object): object => workload({ updateStrategy: { rollingUpdate } });
const wrongDaemons: readonly [title: string, input: object, ...causes: string[]][] = [
  [
    "both bounds",
    daemon({ maxSurge: 1, maxUnavailable: 1 }),
    "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
  ],
  [
    "neither bound",
    daemon({ maxSurge: 0, maxUnavailable: 0 }),
    "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
  ],
  ["an empty selector", workload({ selector: {} }), "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"],
];
for (const [title, input, ...causes] of wrongDaemons) {
  test(`daemon sets may not have ${title}`, () => assert.equal(admit(daemonSets, input).causes, causes));
}

const created = { ...metadata, creationTimestamp: "2024-05-01T11:00:00Z" }, now = Date.parse("2024-05-01T12:00:00Z");
const wide = { Containers: "web", Images: "nginx:1.27", Selector: "app=web" };
test("show how far they are", () => {
  const { spec } = workload({ replicas: 3 }) as { spec: object };
  assert.equal(
    cells(deployments, { metadata: created, spec, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } }, now),
    { Name: "web", Ready: "2/3", "Up-to-date": 3, Available: 1, Age: "60m", ...wide },
  );
  assert.equal(
    cells(replicaSets, { metadata: created, spec, status: { replicas: 3, readyReplicas: 2 } }, now),
    { Name: "web", Desired: 3, Current: 3, Ready: 2, Age: "60m", ...wide },
  );
  const status = { desiredNumberScheduled: 5, currentNumberScheduled: 4, numberReady: 3, updatedNumberScheduled: 2, numberAvailable: 1 };
  assert.equal(
    cells(daemonSets, { metadata: created, ...withPod({ nodeSelector: { zone: "a" } }), ...{ status } }, now)["Node Selector"],
    "zone=a",
  );
  assert.equal(
    cells(daemonSets, { metadata: created, spec, status }, now),
    { Name: "web", Desired: 5, Current: 4, Ready: 3, "Up-to-date": 2, Available: 1, "Node Selector": "<none>", Age: "60m", ...wide },
  );
});
test("show a selector in words", () => {
  const matchExpressions = [{ key: "tier", operator: "In", values: ["b", "a"] }, { key: "canary", operator: "DoesNotExist" }];
  const row = cells(deployments, { metadata, spec: { template, selector: { matchLabels: labels, matchExpressions } } });
  assert.is(row["Selector"], "app=web,!canary,tier in (a,b)");
});

test("controller revisions show their owner and keep their data", () => {
  const ownerReferences = [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "web", uid: "u", controller: true }];
  const revision = { metadata: { name: "web-1", ownerReferences }, revision: 2, data: { spec: { a: 1 } } };
  const row = cells(controllerRevisions, revision, now);
  assert.equal([row["Controller"], row["Revision"]], ["daemonset.apps/web", 2]);
  const old = admit(controllerRevisions, revision).object;
  assert.equal(admit(controllerRevisions, { ...revision, revision: 3 }, old).causes, []);
  assert.equal(admit(controllerRevisions, { ...revision, data: { spec: { a: 2 } } }, old).causes, [
    'data: Invalid value: {"spec":{"a":2}}: field is immutable',
  ]);
  assert.equal(admit(controllerRevisions, { metadata, revision: -1 }).causes, [
    "data: Required value: data is mandatory",
    "revision: Invalid value: -1: must be greater than or equal to 0",
  ]);
});
