import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { leases } from "../../../shared/api/kinds/lease.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import { admit, admitDelete } from "../../../master/registry/admission.ts";
import type { AdmissionContext } from "../../../master/registry/change.ts";
import type { Draft } from "../../../master/registry/lifecycle.ts";
import { checkMetadataUpdate } from "../../../master/registry/metadata.ts";
import { reportedProblems } from "../../../shared/limits.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("registry admission");

const admitted = (kind: Kind<never>, object: object, context: AdmissionContext = {}, old?: object): Draft => {
  const { object: result, error } = admit(kind as unknown as Kind, object as Draft, old as Draft | undefined, context);
  if (error) throw error;
  return result;
};
const refused = (kind: Kind<never>, object: object, context: AdmissionContext = {}, old?: object): ApiError => {
  const { error } = admit(kind as unknown as Kind, object as Draft, old as Draft | undefined, context);
  if (!error) throw new Error("expected a refusal");
  return error;
};
const as = <T>(kind: Kind<T>) => kind as unknown as Kind<never>;
const pod = (spec: object = {}, more: object = {}) => ({
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "c", image: "i" }], ...spec },
  ...more,
});
const pi7: AdmissionContext = { user: { name: "system:node:pi-7", groups: ["system:nodes"] } };

test("admit() leaves what it is given alone", () => {
  const given = pod(), before = structuredClone(given);
  admitted(as(pods), given);
  assert.equal(given, before);
});

test("admit() drops fields that nobody knows, and calls unreadable what is of the wrong type", () => {
  const object = admitted(as(configMaps), { metadata: { name: "a", namespace: "default" }, colour: "red" });
  assert.is("colour" in object, false);
  const error = refused(as(configMaps), { metadata: { name: "a", namespace: "default" }, data: { x: 1 } });
  assert.is(error.code, 400);
  assert.match(error.message, /^ConfigMap in version "v1" cannot be handled as a ConfigMap: .*data/);
});

test("admit() checks what all metadata has in common", () => {
  const metadata = {
    name: "a",
    namespace: "default",
    labels: { "bad key": "v", good: "bad value!" },
    finalizers: ["no good"],
    annotations: { big: "x".repeat(300_000) },
    ownerReferences: ["a", "b"].map((name) => ({ apiVersion: "v1", kind: "Pod", name, uid: name, controller: true })),
  };
  const fields = refused(as(configMaps), { metadata }).details!.causes!.map((cause) => cause.field);
  assert.equal([...new Set(fields)].sort(), ["metadata.annotations", "metadata.finalizers", "metadata.labels", "metadata.ownerReferences"]);
  assert.is(refused(as(namespaces), { metadata: { name: "a", namespace: "b" } }).details!.causes![0]!.field, "metadata.namespace");
});

test("admit() labels a namespace with its name and makes it Active", () => {
  const { metadata, status } = admitted(as(namespaces), { metadata: { name: "sea" } });
  assert.equal([metadata.labels, status], [{ "kubernetes.io/metadata.name": "sea" }, { phase: "Active" }]);
});

test("admit() knows a pod's priority from its class", () => {
  const priorityClasses = [{ name: "high", value: 1000, globalDefault: false, preemptionPolicy: "Never" }, {
    name: "usual",
    value: 10,
    globalDefault: true,
    preemptionPolicy: "PreemptLowerPriority",
  }];
  const spec = (object: object) => admitted(as(pods), pod(object), { priorityClasses }).spec!;
  assert.equal([spec({ priorityClassName: "high" }).priority, spec({ priorityClassName: "high" }).preemptionPolicy], [1000, "Never"]);
  assert.equal([spec({}).priority, spec({}).priorityClassName], [10, "usual"]);
  assert.is(spec({ priorityClassName: "system-node-critical" }).priority, 2_000_001_000);
  assert.is(admitted(as(pods), pod()).spec!.priority, 0);
  assert.is(
    refused(as(pods), pod({ priorityClassName: "none" })).message,
    'pods "web" is forbidden: no PriorityClass with name none was found',
  );
  assert.is(refused(as(pods), pod({ priority: 7 })).code, 403);
});

test("admit() confines a node to its own Node, Lease and Pods", () => {
  const node = (name: string, spec: object = {}) => ({ metadata: { name }, spec });
  admitted(as(nodes), node("pi-7"), pi7);
  assert.is(refused(as(nodes), node("pi-8"), pi7).message, 'nodes "pi-8" is forbidden: node "pi-7" is not allowed to modify node "pi-8"');
  const tainted = node("pi-7", { taints: [{ key: "a", effect: "NoSchedule" }] });
  assert.match(refused(as(nodes), node("pi-7"), pi7, tainted).message, /is not allowed to modify taints/);

  const lease = (namespace: string, name: string) => ({ metadata: { name, namespace }, spec: { holderIdentity: "pi-7" } });
  admitted(as(leases), lease("kube-node-lease", "pi-7"), pi7);
  assert.match(
    refused(as(leases), lease("default", "pi-7"), pi7).message,
    /can only access leases in the "kube-node-lease" system namespace/,
  );
  assert.match(refused(as(leases), lease("kube-node-lease", "pi-8"), pi7).message, /can only access node lease with the same name/);

  const bound = admitted(as(pods), pod({ nodeName: "pi-7" })), status = { ...pi7, subresource: "status" };
  admitted(as(pods), bound, status, bound);
  const elsewhere = admitted(as(pods), pod({ nodeName: "pi-8" }));
  assert.match(
    refused(as(pods), elsewhere, status, elsewhere).message,
    /can only update pod status for pods with spec.nodeName set to itself/,
  );
  assert.match(refused(as(pods), bound, pi7, bound).message, /can only update the status of pods/);
  assert.match(refused(as(pods), pod(), pi7).message, /can only create mirror pods/);
  const deleting = (object: Draft) => admitDelete(pods as unknown as Kind, object, pi7);
  assert.is(deleting(bound), undefined);
  assert.match(deleting(elsewhere)!.message, /can only delete pods with spec.nodeName set to itself/);
});

test("checkMetadataUpdate() names a bounded part of the finalizers that are new", () => {
  const old = Array.from({ length: 15_000 }, (_, i) => `a/b${i}`), added = Array.from({ length: 15_000 }, (_, i) => `c/d${i}`);
  const [cause, ...more] = checkMetadataUpdate({ finalizers: [...old, ...added] }, {
    finalizers: old,
    deletionTimestamp: "2026-01-01T00:00:00Z",
  });
  assert.equal(more, []);
  assert.is(cause!.message.match(/c\/d/g)!.length, reportedProblems);
});
