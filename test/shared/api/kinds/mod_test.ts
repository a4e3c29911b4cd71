import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { bodies, kindOf, kinds } from "../../../../shared/api/kinds/mod.ts";
import { decode } from "../../../../shared/api/decode.ts";
import { decodeWire, encodeWire } from "../../../../shared/api/protobuf.ts";
import type { Field, Json, Message, Type } from "../../../../shared/api/schema.ts";
import { admit } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("kinds");
const metadata = { name: "a", namespace: "b" };
const selector = { matchLabels: { app: "web" } };
const workload = { selector, template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web:1" }] } } };
const job = { template: { ...workload.template, spec: { ...workload.template.spec, restartPolicy: "Never" } } };
const request = Buffer.from("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n").toString("base64");

/** What a kind needs beyond metadata; the others need nothing. */
const least: Readonly<Record<string, object>> = {
  Pod: { spec: { containers: [{ name: "web", image: "web" }] } },
  ReplicationController: { spec: { template: workload.template } },
  PodTemplate: { template: workload.template },
  HorizontalPodAutoscaler: { spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 3 } },
  LimitRange: { spec: { limits: [] } },
  Service: { spec: { ports: [{ port: 80 }] } },
  Event: { involvedObject: { namespace: "b" } },
  Binding: { target: { name: "pi-1" } },
  DaemonSet: { spec: workload },
  StatefulSet: { spec: { ...workload, serviceName: "web" } },
  Deployment: { spec: workload },
  ReplicaSet: { spec: workload },
  ControllerRevision: { revision: 1, data: {} },
  Job: { spec: { ...job, selector, manualSelector: true } },
  CronJob: { spec: { schedule: "@daily", jobTemplate: { spec: job } } },
  TokenReview: { spec: { token: "x" } },
  SubjectAccessReview: { spec: { user: "x", resourceAttributes: {} } },
  LocalSubjectAccessReview: { spec: { user: "x", resourceAttributes: { namespace: "b" } } },
  SelfSubjectAccessReview: { spec: { nonResourceAttributes: {} } },
  SelfSubjectRulesReview: { spec: {} },
  CertificateSigningRequest: { spec: { request, signerName: "skerry.dev/node" } },
  RoleBinding: { roleRef: { kind: "ClusterRole", name: "view" } },
  ClusterRoleBinding: { roleRef: { kind: "ClusterRole", name: "view" } },
  PersistentVolume: { spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } } },
  PersistentVolumeClaim: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
  StorageClass: { provisioner: "acme.io/disk" },
  Ingress: { spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } } },
  IngressClass: { spec: { controller: "acme.io/ingress" } },
  RuntimeClass: { handler: "crun" },
  EndpointSlice: { addressType: "IPv4" },
  Enrollment: {
    metadata: { name: "a".repeat(26) },
    spec: { publicKeys: ["0".repeat(64)], sealKey: `${"A".repeat(43)}=`, nodeName: "pi-1" },
  },
  CustomResourceDefinition: {
    metadata: { name: "tides.sea.example.com" },
    spec: {
      group: "sea.example.com",
      names: { plural: "tides", kind: "Tide" },
      scope: "Cluster",
      versions: [{
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  list: { type: "array", items: { type: "string", enum: ["a", "b"], default: "a" } },
                  map: { type: "object", additionalProperties: { type: "integer", minimum: 0 } },
                  any: { type: "object", additionalProperties: true },
                },
              },
            },
          },
        },
      }],
    },
  },
  NodeLink: { nodeId: "a", connected: false },
};
/** The view of events has names of its own. */
const minimal = ({ kind, view }: (typeof kinds)[number]): object =>
  view && kind === "Event"
    ? { metadata, regarding: { namespace: "b" }, eventTime: "2026-01-01T00:00:00.000000Z" }
    : { metadata, ...least[kind] };

for (const kind of kinds) {
  const name = `${kind.plural}.${kind.version}.${kind.group}`;
  test(`${name}: the least object is valid, and its defaults stay as they are`, () => {
    const { object, causes } = admit(kind, minimal(kind));
    assert.equal(causes, []);
    assert.equal(admit(kind, object), { object, causes: [] });
    assert.equal(admit(kind, object, structuredClone(object)), { object, causes: [] });
  });
  test(`${name}: protobuf and back`, () => {
    const { object } = admit(kind, minimal(kind)), bytes = encodeWire(kind.schema, object as Json);
    assert.equal(decode(kind.schema, decodeWire(kind.schema, bytes)).value, object);
  });
}

test("kindOf() finds each by its path, and no other", () => {
  for (const kind of kinds) assert.is(kindOf(kind.group, kind.version, kind.plural), kind);
  assert.is(kindOf("", "v1", "deployments"), undefined);
});
test("are listed so that `get all` shows pods, replicationcontrollers, services, daemonsets, deployments, replicasets, statefulsets, autoscalers, cronjobs, jobs", () => {
  const all = kinds.filter((kind) => kind.categories?.includes("all")).map((kind) => kind.plural);
  const apps = ["daemonsets", "deployments", "replicasets", "statefulsets"];
  const autoscalers = ["horizontalpodautoscalers", "horizontalpodautoscalers"]; // v2 and v1
  assert.equal(all, ["pods", "replicationcontrollers", "services", ...apps, ...autoscalers, "cronjobs", "jobs"]);
});
test("share short names only with their views", () => {
  const names = kinds.filter((kind) => !kind.view && kind.version !== "v1beta1").flatMap((kind) => [kind.plural, ...kind.short ?? []]);
  assert.equal(names.filter((name, i) => names.indexOf(name) < i), []);
});

const messages = new Map<string, Set<object>>();
const scalars: Type<unknown>[] = [];
function collect(type: Type<unknown>): void {
  if (type.item) return collect(type.item);
  if (type.type !== "message") return void scalars.push(type);
  const { id, fields } = type as Message, known = messages.get(id) ?? new Set();
  if (known.has(fields)) return;
  messages.set(id, known.add(fields));
  for (const field of Object.values<Field>(fields)) collect(field.type);
}
for (const { schema } of kinds) collect(schema);
for (const body of bodies) collect(body);

test("describe each message once", () => assert.equal([...messages].filter(([, twins]) => twins.size > 1).map(([id]) => id), []));
test("number each field once, and say what it is", () => {
  for (const [id, [fields]] of messages) {
    const own = Object.entries(fields as Record<string, Field>).filter(([, { no, within }]) => no > 0 && !within),
      numbers = own.map(([, { no }]) => no);
    assert.is(new Set(numbers).size, numbers.length, id);
    for (const [name, { doc }] of own) assert.match(doc, /\S.*[.?…]$/, `${id} ${name}`);
  }
});
