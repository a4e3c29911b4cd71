import * as assert from "uvu/assert";
import { certificateSigningRequests } from "../../../shared/api/kinds/certificate_signing_request.ts";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { leases } from "../../../shared/api/kinds/lease.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import type { PriorityClass } from "../../../shared/api/kinds/priority_class.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { admitDelete } from "../../../master/registry/admission.ts";
import type { User } from "../../../master/rbac/user.ts";
import type { Draft } from "../../../master/registry/lifecycle.ts";
import { checkMetadataUpdate } from "../../../master/registry/metadata.ts";
import { reportedProblems } from "../../../shared/limits.ts";
import { admitted, emptyWorld, type Given, pod, refusal } from "../../kit/admission.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("registry admission");

const pi7: Given = { user: { name: "system:node:pi-7", groups: ["system:nodes"] } };

test("admit() leaves what it is given alone", async () => {
  const given = pod(), before = structuredClone(given);
  await admitted(pods, given);
  assert.equal(given, before);
});

test("admit() drops fields that nobody knows, and calls unreadable what is of the wrong type", async () => {
  const object = await admitted(configMaps, { metadata: { name: "a", namespace: "default" }, colour: "red" });
  assert.is("colour" in object, false);
  const error = await refusal(configMaps, { metadata: { name: "a", namespace: "default" }, data: { x: 1 } });
  assert.is(error.code, 400);
  assert.match(error.message, /^ConfigMap in version "v1" cannot be handled as a ConfigMap: .*data/);
});

test("admit() checks what all metadata has in common", async () => {
  const metadata = {
    name: "a",
    namespace: "default",
    labels: { "bad key": "v", good: "bad value!" },
    finalizers: ["no good"],
    annotations: { big: "x".repeat(300_000) },
    ownerReferences: ["a", "b"].map((name) => ({ apiVersion: "v1", kind: "Pod", name, uid: name, controller: true })),
  };
  const fields = (await refusal(configMaps, { metadata })).details!.causes!.map((cause) => cause.field);
  assert.equal([...new Set(fields)].sort(), ["metadata.annotations", "metadata.finalizers", "metadata.labels", "metadata.ownerReferences"]);
  assert.is((await refusal(namespaces, { metadata: { name: "a", namespace: "b" } })).details!.causes![0]!.field, "metadata.namespace");
});

test("admit() labels a namespace with its name and makes it Active", async () => {
  const { metadata, status } = await admitted(namespaces, { metadata: { name: "sea" } });
  assert.equal([metadata.labels, status], [{ "kubernetes.io/metadata.name": "sea" }, { phase: "Active" }]);
});
test("admit() of a namespace without a name says that it is missing", async () => {
  assert.equal((await refusal(namespaces, { metadata: {} })).details!.causes!.map((cause) => cause.field), ["metadata.name"]);
});
test("admit() says itself who asks for a certificate, and what else is known of them", async () => {
  const request = btoa("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"), signerName = "sea.example/x";
  const said = { username: "root", uid: "0", groups: ["system:masters"], extra: { "sea.example/rank": ["admiral"] } };
  const asked = { metadata: { name: "a" }, spec: { ...said, request, signerName } };
  const by = (user: User) => admitted(certificateSigningRequests, asked, { user });
  assert.equal((await by({ name: "jo", groups: ["crew"] })).spec, { request, signerName, username: "jo", groups: ["crew"] });
  const whole = { name: "jo", uid: "7", groups: ["crew"], extra: { "sea.example/rank": ["mate"] } }, { name: username, ...rest } = whole;
  const made = await by(whole);
  assert.equal(made.spec, { request, signerName, username, ...rest });
  assert.equal(await admitted(certificateSigningRequests, made, {}, structuredClone(made)), made, "written as it was read");
});

test("admit() knows a pod's priority from its class", async () => {
  const classes: PriorityClass[] = [
    { metadata: { name: "high" }, value: 1000, preemptionPolicy: "Never" },
    { metadata: { name: "usual" }, value: 10, globalDefault: true },
    { metadata: { name: "lowest" }, value: 5, globalDefault: true },
  ];
  const world = { priorityClasses: () => Promise.resolve(classes) };
  const of = async (object: object) => {
    const { priority, priorityClassName, preemptionPolicy } = (await admitted(pods, pod(object), { world })).spec!;
    return [priority, priorityClassName, preemptionPolicy];
  };
  assert.equal(await of({ priorityClassName: "high" }), [1000, "high", "Never"]);
  assert.equal(await of({}), [5, "lowest", "PreemptLowerPriority"], "of several defaults the lowest");
  assert.equal(await of({ priorityClassName: "system-node-critical" }), [2_000_001_000, "system-node-critical", "PreemptLowerPriority"]);
  const disagrees = await refusal(pods, pod({ priorityClassName: "high", preemptionPolicy: "PreemptLowerPriority" }), { world });
  assert.match(
    disagrees.message,
    /the string value of PreemptionPolicy \(PreemptLowerPriority\) must not be provided in pod spec; .* computed Never/,
  );
  assert.is((await admitted(pods, pod())).spec!.priority, 0);
  assert.is(
    (await refusal(pods, pod({ priorityClassName: "none" }))).message,
    'pods "web" is forbidden: no PriorityClass with name none was found',
  );
  assert.is((await refusal(pods, pod({ priority: 7 }))).code, 403);
});

test("admit() confines a node to its own Node, Lease and Pods", async () => {
  const node = (name: string, spec: object = {}) => ({ metadata: { name }, spec });
  await admitted(nodes, node("pi-7"), pi7);
  assert.is(
    (await refusal(nodes, node("pi-8"), pi7)).message,
    'nodes "pi-8" is forbidden: node "pi-7" is not allowed to modify node "pi-8"',
  );
  const tainted = node("pi-7", { taints: [{ key: "a", effect: "NoSchedule" }] });
  assert.match((await refusal(nodes, node("pi-7"), pi7, tainted)).message, /is not allowed to modify taints/);
  const labelled = (labels: object) => ({ metadata: { name: "pi-7", labels }, spec: {} }), was = labelled({ "kubernetes.io/os": "linux" });
  await admitted(nodes, labelled({ "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "a", colour: "red" }), pi7, was);
  const marked = labelled({
    "kubernetes.io/os": "linux",
    "node-restriction.kubernetes.io/a": "",
    "skerry.dev/site": "x",
    "node.kubernetes.io/b": "",
  });
  assert.match(
    (await refusal(nodes, marked, pi7, was)).message,
    /is not allowed to modify labels: node-restriction\.kubernetes\.io\/a, skerry\.dev\/site$/,
  );

  const lease = (namespace: string, name: string) => ({ metadata: { name, namespace }, spec: { holderIdentity: "pi-7" } });
  await admitted(leases, lease("kube-node-lease", "pi-7"), pi7);
  assert.match(
    (await refusal(leases, lease("default", "pi-7"), pi7)).message,
    /can only access leases in the "kube-node-lease" system namespace/,
  );
  assert.match((await refusal(leases, lease("kube-node-lease", "pi-8"), pi7)).message, /can only access node lease with the same name/);

  const bound = await admitted(pods, pod({ nodeName: "pi-7" })), status = { ...pi7, subresource: "status" };
  await admitted(pods, bound, status, bound);
  const elsewhere = await admitted(pods, pod({ nodeName: "pi-8" }));
  assert.match(
    (await refusal(pods, elsewhere, status, elsewhere)).message,
    /can only update pod status for pods with spec.nodeName set to itself/,
  );
  assert.match((await refusal(pods, bound, pi7, bound)).message, /can only update the status of pods/);
  assert.match((await refusal(pods, pod(), pi7)).message, /can only create mirror pods/);
  const deleting = (object: Draft) => admitDelete(pods as unknown as Kind, object, { ...pi7, world: emptyWorld });
  assert.is(await deleting(bound), undefined);
  assert.match((await deleting(elsewhere))!.message, /can only delete pods with spec.nodeName set to itself/);
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
