import * as assert from "uvu/assert";
import { statefulSets } from "../../../../shared/api/kinds/statefulset.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("stateful sets");
const selector = { matchLabels: { app: "db" } };
const template = { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "db", image: "db:1" }] } };
const set = (spec: object = {}): object => ({ metadata: { name: "db" }, spec: { serviceName: "db", selector, template, ...spec } });
const update =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', " +
  "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

test("get their defaults, claims included", () => {
  const claim = { metadata: { name: "data" }, spec: { resources: { requests: { storage: "1024Mi" } } } };
  const { object, causes } = admit(statefulSets, set({ volumeClaimTemplates: [claim] }));
  assert.equal(causes, []);
  const { template: _, ...spec } = object.spec!;
  assert.equal(spec, {
    replicas: 1,
    selector,
    serviceName: "db",
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    volumeClaimTemplates: [{
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: { resources: { requests: { storage: "1Gi" } }, volumeMode: "Filesystem" },
      status: { phase: "Pending" },
    }],
  });
});
const wrong: readonly [input: object, ...causes: string[]][] = [
  [set({ selector: {} }), "spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
  [set({ podManagementPolicy: "No" }), "spec.podManagementPolicy: Invalid value: \"No\": must be 'OrderedReady' or 'Parallel'"],
  [
    set({ updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } }),
    "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'",
  ],
  [set({ updateStrategy: { type: "No" } }), "spec.updateStrategy: Invalid value: {\"type\":\"No\"}: must be 'RollingUpdate' or 'OnDelete'"],
  [
    set({ updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: "0%" } } }),
    "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
    'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0',
  ],
  [set({ ordinals: { start: -1 } }), "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"],
  [
    set({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Keep" } }),
    'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Delete", "Retain"',
  ],
  [
    set({ template: { ...template, spec: { ...template.spec, restartPolicy: "Never", activeDeadlineSeconds: 1 } } }),
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
  ],
];
for (const [input, ...causes] of wrong) test(`may not be so: ${causes[0]}`, () => assert.equal(admit(statefulSets, input).causes, causes));
test("keep what would make other pods of theirs", () => {
  const old = admit(statefulSets, set()).object;
  for (const change of [{ serviceName: "other" }, { podManagementPolicy: "Parallel" }, { volumeClaimTemplates: [{ spec: {} }] }]) {
    assert.equal(admit(statefulSets, set(change), old).causes, [`spec: Forbidden: ${update}`]);
  }
  assert.equal(admit(statefulSets, set({ replicas: 3, minReadySeconds: 4, ordinals: { start: 1 } }), old).causes, []);
});
test("show how many are ready", () => {
  const { Ready, Images } = cells(statefulSets, { ...set({ replicas: 3 }), status: { readyReplicas: 2 } });
  assert.equal([Ready, Images], ["2/3", "db:1"]);
});
