import * as assert from "uvu/assert";
import type { ManagedFieldsEntry } from "../../../shared/api/meta.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { reportedProblems } from "../../../shared/limits.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("PATCH as server-side apply", { setup: () => openApi(), teardown: (api) => api.close() });

const configMaps = "/api/v1/namespaces/default/configmaps", deployments = "/apis/apps/v1/namespaces/default/deployments";
const yaml = { "content-type": "application/apply-patch+yaml" };
interface How {
  readonly as?: string;
  readonly query?: string;
  readonly path?: string;
}
const send = (api: ApiContext, path: string, body: unknown, { as = "me", query = "" }: How = {}) =>
  ask(api, "PATCH", `${path}?fieldManager=${as}${query}`, { body, headers: yaml });
const configMap = (data: Record<string, string>, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "c", ...metadata },
  data,
});
const applyMap = (api: ApiContext, data: Record<string, string>, how?: How) => send(api, `${configMaps}/c`, configMap(data), how);
const owners = ({ metadata: { managedFields = [] } }: { metadata: { managedFields?: ManagedFieldsEntry[] } }): string[] =>
  managedFields.map(({ manager, operation, subresource = "", fieldsV1 }) =>
    `${manager} ${operation}${subresource && ` ${subresource}`} ${JSON.stringify(fieldsV1)}`
  );

test("creates what is not there, with 201, and says who owns it", async (api) => {
  const { status, body } = await send(api, `${configMaps}/c`, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n");
  assert.is(status, 201);
  assert.equal(body.data, { a: "1" });
  const [{ time, ...entry }] = body.metadata.managedFields;
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(entry, {
    manager: "me",
    operation: "Apply",
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { "f:a": {} } },
  });
});

test("takes away what its manager had applied and does not say any more, unless somebody else owns it", async (api) => {
  await applyMap(api, { a: "1", b: "2", c: "3" });
  await applyMap(api, { b: "2" }, { as: "other" });
  await ask(api, "PATCH", `${configMaps}/c`, { body: { data: { d: "4" } }, headers: { "content-type": "application/merge-patch+json" } });
  const { status, body } = await applyMap(api, { a: "1" });
  assert.is(status, 200);
  assert.equal(body.data, { a: "1", b: "2", d: "4" });
  assert.equal(owners(body).sort(), [
    'me Apply {"f:data":{"f:a":{}}}',
    'other Apply {"f:data":{"f:b":{}}}',
    'unknown Update {"f:data":{"f:d":{}}}',
  ]);
});

test("is refused where another owns another value, in upstream's words, and wins by force", async (api) => {
  await applyMap(api, { a: "1", b: "2" }, { as: "one" });
  await ask(api, "PATCH", `${configMaps}/c?fieldManager=two`, {
    body: { data: { b: "3" } },
    headers: { "content-type": "application/merge-patch+json" },
  });
  const single = await applyMap(api, { a: "9", b: "3" });
  assert.is(single.status, 409);
  assert.equal(single.body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
    reason: "Conflict",
    details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".data.a" }] },
    code: 409,
  });
  const several = await applyMap(api, { a: "9", b: "9" });
  assert.is(
    several.body.message,
    'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\nconflicts with "two" using v1:\n- .data.b',
  );
  assert.equal((await ask(api, "GET", `${configMaps}/c`)).body.data, { a: "1", b: "3" });
  const forced = await applyMap(api, { a: "9", b: "9" }, { query: "&force=true" });
  assert.equal([forced.body.data, owners(forced.body)], [{ a: "9", b: "9" }, ['me Apply {"f:data":{"f:a":{},"f:b":{}}}']]);
});

test("writes nothing when nothing changes, and nothing at all as a dry run", async (api) => {
  const first = await applyMap(api, { a: "1" });
  const again = await applyMap(api, { a: "1" });
  assert.equal(again.body, first.body);
  const dry = await applyMap(api, { a: "2" }, { query: "&dryRun=All" });
  assert.equal([dry.status, dry.body.data], [200, { a: "2" }]);
  assert.equal((await ask(api, "GET", `${configMaps}/c`)).body, first.body);
  assert.is((await send(api, `${configMaps}/d`, { ...configMap({}), metadata: { name: "d" } }, { query: "&dryRun=All" })).status, 201);
  assert.is((await ask(api, "GET", `${configMaps}/d`)).status, 404);
});

test("refuses what upstream refuses", async (api) => {
  const refused = async (path: string, body: unknown, code: number, message: RegExp) => {
    const answer = await ask(api, "PATCH", path, { body, headers: yaml });
    assert.is(answer.status, code, JSON.stringify(answer.body));
    assert.match(answer.body.message, message);
  };
  const at = `${configMaps}/c`, mine = `${at}?fieldManager=me`;
  await refused(at, configMap({}), 422, /fieldManager: Required value: is required for apply patch/);
  await refused(`${at}?fieldManager=${"x".repeat(129)}`, configMap({}), 422, /fieldManager: Invalid value/);
  await refused(mine, { kind: "ConfigMap" }, 400, /^Incorrect version specified in apply patch\. Specified patch version: , expected: v1$/);
  await refused(mine, { ...configMap({}), apiVersion: "v2" }, 400, /Specified patch version: v2, expected: v1/);
  await refused(mine, { apiVersion: "v1" }, 400, /'Kind' is missing/);
  await refused(mine, configMap({}, { name: "d" }), 400, /the name of the object \(d\) does not match the name on the URL \(c\)/);
  await refused(mine, configMap({}, { managedFields: [] }), 400, /^metadata\.managedFields must be nil$/);
  await refused(
    mine,
    configMap({}, { uid: "x" }),
    409,
    /uid mismatch: the provided object specified uid x, and no existing object was found/,
  );
  await refused(mine, configMap({}, { resourceVersion: "7" }), 409, /object has been modified/);
  await refused(`${mine}&fieldValidation=Strict`, { ...configMap({}), bogus: 1 }, 400, /strict decoding error: unknown field "bogus"/);
  await refused(mine, "a: [", 400, /not YAML/);
  await applyMap(api, { a: "1" });
  await refused(mine, configMap({}, { resourceVersion: "1" }), 409, /object has been modified/);
  const forced = await ask(api, "PATCH", `${at}?force=true`, { body: {}, headers: { "content-type": "application/merge-patch+json" } });
  assert.equal([forced.status, /force: Forbidden: may not be specified for non-apply patch/.test(forced.body.message)], [422, true]);
});

test("warns of what nothing acts on yet", async (api) => {
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j" },
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "i" }] } } },
  };
  const { status, headers } = await send(api, "/apis/batch/v1/namespaces/default/jobs/j", job);
  assert.equal([status, /nothing acts on them yet/.test(headers.get("warning") ?? "")], [201, true]);
});

test("creates only for those who may create", async () => {
  const mayPatch = await openApi({
    authorizer: {
      authorize: ({ name }, { verb }) => ({ allowed: name === "admin" || verb === "patch", reason: "" }),
      rightsOf: () => ({ rules: [], incomplete: false }),
      rulesOf: () => [],
    },
  });
  try {
    const asEve = () =>
      ask(mayPatch, "PATCH", `${configMaps}/c?fieldManager=eve`, {
        body: configMap({ a: "1" }),
        headers: yaml,
        as: { name: "eve", groups: [] },
      });
    const { status, body } = await asEve();
    assert.equal([status, /User "eve" cannot create resource "configmaps"/.test(body.message)], [403, true], body.message);
    await applyMap(mayPatch, { a: "1" });
    assert.is((await asEve()).status, 200);
  } finally {
    await mayPatch.close();
  }
});

test("an update that takes a field away takes it from its owner", async (api) => {
  await applyMap(api, { a: "1", b: "2" });
  await ask(api, "PATCH", `${configMaps}/c`, { body: { data: { b: null } }, headers: { "content-type": "application/merge-patch+json" } });
  assert.equal(owners((await ask(api, "GET", `${configMaps}/c`)).body), ['me Apply {"f:data":{"f:a":{}}}']);
});

test("what decoding leaves out has been said, too: zero takes another's value only by force", async (api) => {
  const pod = (container: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers: [{ name: "a", image: "i", ...container }] },
  });
  const path = "/api/v1/namespaces/default/pods/p";
  await send(api, path, pod({ env: [{ name: "E", value: "x" }], tty: true }), { as: "one" });
  const { status, body } = await send(api, path, pod({ env: [{ name: "E", value: "" }], tty: false }), { as: "two" });
  assert.is(status, 409);
  assert.equal(body.details.causes.map(({ field }: { field: string }) => field), [
    '.spec.containers[name="a"].tty',
    '.spec.containers[name="a"].env[name="E"].value',
  ]);
});

const web = (spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "nginx", image: "nginx:1" }] } },
    ...spec,
  },
});
test("leaves status to its own path, where it applies status alone", async (api) => {
  const path = `${deployments}/web`,
    condition = {
      type: "Odd",
      status: "True",
      reason: "R",
      message: "m",
      lastTransitionTime: "2026-01-01T00:00:00Z",
      lastUpdateTime: "2026-01-01T00:00:00Z",
    };
  const created = await send(api, path, { ...web(), status: { replicas: 7 } });
  assert.equal([created.status, created.body.status?.replicas], [201, undefined]);
  const { status, body } = await send(api, `${path}/status`, { ...web({ replicas: 9 }), status: { conditions: [condition] } }, {
    as: "judge",
  });
  assert.equal([status, body.spec.replicas, body.status.conditions], [200, 1, [condition]]);
  assert.equal(body.metadata.generation, 1);
  assert.match(
    owners(body).find((owner) => owner.startsWith("judge"))!,
    /^judge Apply status \{"f:status":\{"f:conditions":\{"k:\{\\"type\\":\\"Odd\\"\}"/,
  );
  assert.is((await send(api, `${deployments}/none/status`, { ...web(), metadata: { name: "none" } })).status, 404);
});

test("a PUT may send managedFields back, leave them out, or forget them with [{}]; nonsense is not heard", async (api) => {
  const { body: first } = await applyMap(api, { a: "1" });
  const put = async (metadata: object) =>
    (await ask(api, "PUT", `${configMaps}/c?fieldManager=put`, { body: { ...configMap({ a: "1" }), metadata } })).body;
  assert.equal(await put({ name: "c" }), first);
  assert.equal(await put(first.metadata), first);
  assert.equal(await put({ name: "c", managedFields: [{ ...first.metadata.managedFields[0], fieldsV1: { bogus: {} } }] }), first);
  assert.equal(await put({ name: "c", managedFields: [{ ...first.metadata.managedFields[0], operation: "Steal" }] }), first);
  assert.equal(owners(await put({ name: "c", managedFields: [{ ...first.metadata.managedFields[0], manager: "you" }] })), [
    'you Apply {"f:data":{"f:a":{}}}',
  ]);
  const forgotten = await put({ name: "c", managedFields: [{}] });
  assert.is(forgotten.metadata.managedFields, undefined);
  const { body } = await ask(api, "PUT", `${configMaps}/c?fieldManager=put`, { body: configMap({ a: "1", b: "2" }) });
  assert.is(body.metadata.managedFields, undefined, "what nobody owns is not tracked before somebody applies");
  const refused = await applyMap(api, { a: "1", b: "3" });
  assert.is(refused.body.message, 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.b');
});

test("of more than ten who update, the oldest become ancient-changes", async (api) => {
  await ask(api, "POST", configMaps, { body: configMap({ z: "v" }), headers: { "user-agent": "maker/1.0 (x)" } });
  for (let i = 0; i < 14; i++) {
    const body = { data: { [`k${i}`]: "v" } };
    await ask(api, "PATCH", `${configMaps}/c?fieldManager=m${String(i).padStart(2, "0")}`, {
      body,
      headers: { "content-type": "application/merge-patch+json" },
    });
  }
  const entries: ManagedFieldsEntry[] = (await ask(api, "GET", `${configMaps}/c`)).body.metadata.managedFields;
  assert.is(entries.length, 10);
  const old = entries.find(({ manager }) => manager === "ancient-changes")!;
  assert.equal(Object.keys((old.fieldsV1 as { "f:data": object })["f:data"]).filter((key) => key !== ".").length, 6);
});

test("of very many conflicts some are named, and all are counted", async (api) => {
  const many = (value: string) => Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, value]));
  await applyMap(api, many("1"), { as: "one" });
  const { status, body } = await applyMap(api, many("2"));
  assert.equal([status, body.message.slice(0, 33), body.details.causes.length], [
    409,
    "Apply failed with 5000 conflicts:",
    reportedProblems,
  ]);
});

test("Tables and lists carry managedFields as the objects do", async (api) => {
  await applyMap(api, { a: "1" });
  assert.is(
    (await ask(api, "GET", configMaps)).body.items.find((item: { metadata: { name: string } }) => item.metadata.name === "c").metadata
      .managedFields[0].manager,
    "me",
  );
  const table = await ask(api, "GET", configMaps, { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
  assert.is(
    table.body.rows.find(({ object }: { object: { metadata: { name: string } } }) => object.metadata.name === "c").object.metadata
      .managedFields[0].manager,
    "me",
  );
});
