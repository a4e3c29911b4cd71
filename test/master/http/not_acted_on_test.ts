import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { fieldsNotActedOn, kindsNotActedOn, notActedOn } from "../../../master/http/not_acted_on.ts";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import { qualified } from "../../../shared/api/resource.ts";
import type { Field, Message, Type } from "../../../shared/api/schema.ts";
import { admit } from "../../kit/admit.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";
import { actedOn, kindsActedOn } from "./acted_on.ts";

const test = suite<ApiContext>("what is stored and not acted on", { setup: openApi, teardown: (api) => api.close() });
const root = fileURLToPath(new URL("../../..", import.meta.url));
const words = (names = ""): string[] => names.split(" ").filter((name) => name !== "");
const differing = (a: readonly string[], b: readonly string[]): string[] => a.filter((one) => !b.includes(one));

/** Every message that a pod, a service or a workload reaches without passing through a field that nothing acts on. */
const messages = new Map<string, string[]>();
function collect(type: Type<unknown>): void {
  if (type.item) return collect(type.item);
  const { id, fields } = type as Message;
  if (type.type !== "message" || messages.has(id) || /\.(ObjectMeta|OwnerReference|ManagedFieldsEntry)$/.test(id)) return;
  messages.set(id, Object.keys(fields));
  const idle = words(fieldsNotActedOn[id]);
  for (const [name, { type: inner }] of Object.entries<Field>(fields)) if (!idle.includes(name)) collect(inner);
}
for (const kind of kinds) {
  if (!["Pod", "Service", "Deployment", "DaemonSet", "ReplicaSet"].includes(kind.kind)) continue;
  const { spec } = kind.schema.fields as Record<string, Field>;
  collect(spec!.type);
}

test("every field is in one of the two lists, and none in both", () => {
  assert.equal(differing(Object.keys({ ...actedOn, ...fieldsNotActedOn }), [...messages.keys()]), []);
  for (const [id, fields] of messages) {
    const acted = words(actedOn[id]), idle = words(fieldsNotActedOn[id]);
    assert.equal(differing(fields, [...acted, ...idle]), [], `${id}: in neither list`);
    assert.equal(differing([...acted, ...idle], fields), [], `${id}: no fields of it`);
    assert.equal(acted.filter((field) => idle.includes(field)), [], `${id}: in both lists`);
  }
});
test("every kind that is stored is in one of the two lists, and none in both", () => {
  const stored = [...new Set(kinds.filter((kind) => kind.stored !== false).map(qualified))].sort();
  assert.equal([...kindsActedOn, ...kindsNotActedOn].sort(), stored);
});
test("what is said to be acted on is at least named by the master or the agent", () => {
  const sources = ["agent", "master"].flatMap((top) =>
    readdirSync(`${root}${top}`, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts")).map((path) =>
      `${top}/${path}`
    )
  ).filter((path) => !path.startsWith("master/http/") || path.endsWith("remote_command.ts"));
  const said = new Set(sources.flatMap((path) => readFileSync(`${root}${path}`, "utf8").match(/\w+/g) ?? []));
  const unsaid = Object.entries(actedOn).flatMap(([id, names]) =>
    words(names).filter((name) => !said.has(name)).map((name) => `${id} ${name}`)
  );
  assert.equal(unsaid, []);
});

const container = { name: "a", image: "a:1" };
test("notActedOn() names each field once, where it stands first, and not what says nothing", () => {
  const spec = {
    containers: [container, { ...container, name: "b", securityContext: { procMount: "Unmasked" } }, {
      ...container,
      name: "c",
      securityContext: { procMount: "Unmasked" },
    }],
    affinity: { podAntiAffinity: {}, nodeAffinity: {} },
    automountServiceAccountToken: false,
    volumes: [{ name: "v", nfs: { server: "a", path: "/" } }, { name: "w", emptyDir: {} }],
  };
  assert.equal(notActedOn(pods, { spec } as never).sort(), [
    "spec.affinity.podAntiAffinity",
    "spec.containers[1].securityContext.procMount",
    "spec.volumes[0].nfs",
  ]);
});
test("notActedOn() says nothing of a plain pod and a plain service with all that the server fills in", async (api) => {
  assert.equal(notActedOn(pods, admit(pods, { spec: { containers: [container] } }).object), []);
  const made = await ask(api, "POST", "/api/v1/namespaces/default/services", {
    body: { metadata: { name: "s" }, spec: { ports: [{ port: 80 }] } },
  });
  assert.equal([made.status, notActedOn(services, made.body)], [201, []]);
});

const set = (metadata: object = {}) => ({
  metadata: { name: "db", ...metadata },
  spec: {
    selector: { matchLabels: { app: "db" } },
    template: { metadata: { labels: { app: "db" } }, spec: { containers: [container], affinity: { podAffinity: {} } } },
  },
});
const merge = { "content-type": "application/merge-patch+json" };
test("whoever writes it is warned: by POST, PUT and a PATCH that changes what is wanted, and by no other", async (api) => {
  const path = "/apis/apps/v1/namespaces/default/deployments", field = "spec.template.spec.affinity.podAffinity";
  const warning = `299 - "${field}: stored, but nothing acts on it yet"`;
  const said = async (...request: [method: string, path: string, what?: object]) => {
    const { status, headers } = await ask(api, ...request);
    assert.ok(status < 300, String(status));
    return headers.get("warning");
  };
  assert.is(await said("POST", path, { body: set() }), warning);
  assert.is(await said("PUT", `${path}/db`, { body: set() }), warning);
  assert.is(await said("PATCH", `${path}/db`, { body: { metadata: { labels: { a: "b" } } }, headers: merge }), null);
  assert.is(await said("PATCH", `${path}/db`, { body: { spec: { replicas: 3 } }, headers: merge }), warning);
  assert.is(await said("GET", `${path}/db`), null);
  assert.is(await said("PATCH", `${path}/db/status`, { body: { status: { replicas: 1 } }, headers: merge }), null);
  assert.is(await said("DELETE", `${path}/db`), null);
  const sets = "/apis/apps/v1/namespaces/default/statefulsets";
  assert.is(await said("POST", sets, { body: set() }), '299 - "statefulsets.apps: stored, but nothing acts on them yet"');
  assert.is(await said("PATCH", `${sets}/db`, { body: { metadata: { labels: { a: "b" } } }, headers: merge }), null);
});
