import * as assert from "uvu/assert";
import { persistentVolumes } from "../../../../shared/api/kinds/persistent_volume.ts";
import { persistentVolumeClaims } from "../../../../shared/api/kinds/persistent_volume_claim.ts";
import { storageClasses } from "../../../../shared/api/kinds/storage_class.ts";
import type { Kind } from "../../../../shared/api/resource.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("storage");
const metadata = { name: "data" };
const disk = { capacity: { storage: "5Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } };
const { hostPath: _, ...bare } = disk;
const volume = (more: object) => ({ metadata, spec: { ...bare, ...more } });
const whole = (more: object = {}) => ({ metadata, spec: { ...disk, ...more } });
const wanted = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const claim = (more: object = {}) => ({ metadata, spec: { ...wanted, ...more } });
const sized = (storage: string, more: object = {}) => claim({ resources: { requests: { storage } }, ...more });
const storageClass = (more: object = {}) => ({ metadata, provisioner: "acme.io/disk", ...more });
const term = (...matchLabelExpressions: object[]) => storageClass({ allowedTopologies: [{ matchLabelExpressions }] });
const zone = { key: "zone", values: ["a"] };
const expressions = "allowedTopologies[0].matchLabelExpressions";
const only = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

const wrong: readonly [kind: Kind<never>, input: object, ...causes: string[]][] = [
  [
    persistentVolumes as never,
    { metadata },
    "spec.accessModes: Required value",
    "spec.capacity: Required value",
    "spec: Required value: must specify a volume type",
  ],
  [
    persistentVolumes as never,
    whole({ accessModes: ["ReadWriteOncePod", "ReadWriteMany"] }),
    "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
  ],
  [
    persistentVolumes as never,
    whole({ capacity: { storage: "0" } }),
    'spec.capacity[storage]: Invalid value: "0": must be greater than zero',
  ],
  [
    persistentVolumes as never,
    whole({ capacity: { storage: "1", cpu: "1" } }),
    'spec.capacity: Unsupported value: {"storage":"1","cpu":"1"}: supported values: "storage"',
  ],
  [persistentVolumes as never, whole({ nfs: { server: "s", path: "/" } }), "spec.nfs: Forbidden: may not specify more than 1 volume type"],
  [
    persistentVolumes as never,
    volume({ local: { path: "/mnt" } }),
    "spec.nodeAffinity: Required value: Local volume requires node affinity",
  ],
  [
    persistentVolumes as never,
    volume({ local: { path: "../x" }, nodeAffinity: {} }),
    "spec.nodeAffinity.required: Required value: must specify required node constraints",
    "spec.local.path: Invalid value: \"../x\": must not contain '..'",
  ],
  [
    persistentVolumes as never,
    whole({ hostPath: { path: "/" }, persistentVolumeReclaimPolicy: "Recycle" }),
    "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
  ],
  [
    persistentVolumes as never,
    volume({ csi: { driver: "", volumeHandle: "" } }),
    "spec.csi.driver: Required value",
    "spec.csi.volumeHandle: Required value",
  ],
  [
    persistentVolumeClaims as never,
    { metadata, spec: {} },
    "spec.accessModes: Required value: at least 1 access mode is required",
    "spec.resources[storage]: Required value",
  ],
  [persistentVolumeClaims as never, sized("-1"), 'spec.resources[storage]: Invalid value: "-1": must be greater than zero'],
  [
    persistentVolumeClaims as never,
    claim({ dataSource: { kind: "Pod", name: "p" } }),
    "spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
  ],
  [
    persistentVolumeClaims as never,
    claim({ accessModes: ["Everybody"] }),
    'spec.accessModes[0]: Unsupported value: "Everybody": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
  ],
  [storageClasses as never, { metadata }, "provisioner: Required value"],
  [
    storageClasses as never,
    storageClass({ reclaimPolicy: "Recycle" }),
    'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
  ],
  [storageClasses as never, storageClass({ parameters: { "": "x" } }), 'parameters: Invalid value: "": field can not be empty.'],
  [
    storageClasses as never,
    storageClass({ parameters: { a: "x".repeat(256 * 1024) } }),
    "parameters: Too long: may not be more than 262144 bytes",
  ],
  [storageClasses as never, term({ key: "zone", values: [] }), `${expressions}[0].values: Required value`],
  [storageClasses as never, term({ key: "zone", values: ["a", "a"] }), `${expressions}[0].values[1]: Duplicate value: "a"`],
  [storageClasses as never, term(zone, zone), `${expressions}[1].key: Duplicate value: "zone"`],
];
for (const [kind, input, ...causes] of wrong) {
  test(`${kind.plural} may not be so: ${causes[0]}`, () => assert.equal(admit(kind as unknown as Kind, input).causes, causes));
}

test("a volume stays what and where it is, for what is on it", () => {
  const old = admit(persistentVolumes, whole()).object;
  assert.equal([old.spec!.persistentVolumeReclaimPolicy, old.spec!.volumeMode], ["Retain", "Filesystem"]);
  const changed = (more: object) => admit(persistentVolumes, whole(more), old).causes;
  assert.equal(changed({ hostPath: { path: "/other" } }), [
    "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
  ]);
  assert.equal(changed({ volumeMode: "Block" }), ['spec.volumeMode: Invalid value: "Block": field is immutable']);
  assert.equal(changed({ capacity: { storage: "6Gi" }, persistentVolumeReclaimPolicy: "Delete", claimRef: { name: "c" } }), []);
});
test("a claim gets its volume, and then only becomes bigger", () => {
  const free = admit(persistentVolumeClaims, { ...claim(), status: { phase: "Pending" } }).object;
  const changed = (input: object, old: typeof free, phase: string) =>
    admit(persistentVolumeClaims, { ...input, status: { phase } }, old).causes;
  assert.equal(changed(claim({ volumeName: "pv" }), free, "Pending"), []);
  assert.equal(changed(sized("2Gi"), free, "Pending"), [`spec: Forbidden: ${only}`]);
  const bound = admit(persistentVolumeClaims, { ...claim({ volumeName: "pv" }), status: { phase: "Bound" } }).object;
  assert.equal(changed(sized("2Gi", { volumeName: "pv" }), bound, "Bound"), []);
  assert.equal(changed(claim({ volumeName: "other" }), bound, "Bound"), [`spec: Forbidden: ${only}`]);
  assert.equal(changed(sized("1Mi", { volumeName: "pv" }), bound, "Bound"), [
    "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
  ]);
});
test("what a claim is filled from stands in both its fields", () => {
  const source = { kind: "PersistentVolumeClaim", name: "other" };
  for (const field of ["dataSource", "dataSourceRef"]) {
    const { spec } = admit(persistentVolumeClaims, claim({ [field]: source })).object;
    assert.equal([spec!.dataSource, spec!.dataSourceRef], [source, source]);
  }
  assert.is(admit(persistentVolumeClaims, claim({ dataSourceRef: { ...source, namespace: "far" } })).object.spec!.dataSource, undefined);
});
test("of a class only what it is called, and whether its volumes may grow, changes", () => {
  const old = admit(storageClasses, storageClass()).object;
  assert.equal([old.reclaimPolicy, old.volumeBindingMode], ["Delete", "Immediate"]);
  const changed = (more: object) => admit(storageClasses, storageClass(more), old).causes;
  assert.equal(changed({ allowVolumeExpansion: true }), []);
  assert.equal(
    changed({ provisioner: "other", parameters: { a: "b" }, reclaimPolicy: "Retain", volumeBindingMode: "WaitForFirstConsumer" }),
    [
      ...["parameters", "provisioner", "reclaimPolicy"].map((field) => `${field}: Forbidden: updates to ${field} are forbidden.`),
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ],
  );
});
test("are shown in a row", () => {
  const shown = <T extends object>(kind: Kind<T>, input: object) => Object.values(cells(kind as never, input));
  const since = { ...metadata, creationTimestamp: "1970-01-01T00:00:00Z" }, spec = { ...disk, storageClassName: "fast" };
  const claimRef = { namespace: "default", name: "c" };
  assert.equal(
    shown(persistentVolumes, { metadata: since, spec: { ...spec, claimRef, volumeMode: "Block" }, status: { phase: "Bound" } }),
    ["data", "5Gi", "RWO", "", "Bound", "default/c", "fast", "<unset>", "", "0s", "Block"],
  );
  const held = { phase: "Bound", accessModes: ["ReadWriteMany", "ReadWriteOnce"], capacity: { storage: "5Gi" } };
  const bound = { ...wanted, volumeName: "pv", storageClassName: "fast" };
  assert.equal(shown(persistentVolumeClaims, { metadata: since, spec: bound, status: held }), [
    ...["data", "Bound", "pv", "5Gi", "RWO,RWX", "fast", "<unset>", "0s", "<unset>"],
  ]);
  assert.equal(shown(persistentVolumeClaims, { metadata: since, spec: wanted, status: { phase: "Pending" } }).slice(1, 5), [
    "Pending",
    "",
    "",
    "",
  ]);
  const named = { ...since, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } };
  assert.equal(shown(storageClasses, { ...storageClass(), metadata: named }), [
    ...["data (default)", "acme.io/disk", "Delete", "<unset>", false, "0s"],
  ]);
});
