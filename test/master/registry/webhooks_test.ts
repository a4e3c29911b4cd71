import { networkInterfaces } from "node:os";
import * as assert from "uvu/assert";
import { configMaps } from "../../../shared/api/kinds/configmap.ts";
import { endpointSlices } from "../../../shared/api/kinds/endpoint_slice.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { services } from "../../../shared/api/kinds/service.ts";
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from "../../../shared/api/kinds/webhook_configuration.ts";
import { ApiError } from "../../../shared/api/status.ts";
import type { Registry } from "../../../master/registry/registry.ts";
import { pod } from "../../kit/admission.ts";
import { closeRegistry, newNamespace, openRegistry } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";
import { patch, webhookServer } from "../../kit/webhook_server.ts";

const test = suite("webhooks", {
  setup: async () => ({ ...await openRegistry(), hook: await webhookServer(["127.0.0.1", "guard.default.svc"]) }),
  async teardown(context) {
    await context.hook.close();
    await closeRegistry(context);
  },
  timeoutMs: 30_000,
});
type Context = Parameters<Parameters<typeof test>[1]>[0];
const everything = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }];
const webhook = ({ hook }: Pick<Context, "hook">, more: object = {}) => ({
  name: "guard.example.com",
  clientConfig: { url: hook.url, caBundle: hook.caBundle },
  rules: [{ operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps", "pods"] }],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  ...more,
});
const validating = ({ registry, ...context }: Context, ...all: object[]) =>
  registry.create(
    validatingWebhookConfigurations,
    { metadata: { name: "v" }, webhooks: all.map((more) => webhook(context, more)) } as never,
  );
const mutating = ({ registry, ...context }: Context, name: string, ...all: object[]) =>
  registry.create(mutatingWebhookConfigurations, { metadata: { name }, webhooks: all.map((more) => webhook(context, more)) } as never);
const map = (name: string, more: object = {}) => ({ metadata: { name, namespace: "default" }, ...more });
const refused = async (work: Promise<unknown>): Promise<{ code: number; message: string }> => {
  const error = await work.then(() => undefined, (error) => error as ApiError);
  if (!(error instanceof ApiError)) throw error ?? new Error("expected a refusal");
  const { code, message } = error.status();
  return { code: code!, message: message! };
};
const make = (registry: Registry, name: string, how = {}) => registry.create(configMaps, map(name, { data: { a: "1" } }), how);

test("a webhook is told everything about a request, and may refuse it with a code and words of its own", async (context) => {
  const { registry, hook } = context;
  await validating(context, {});
  await make(registry, "one", { user: { name: "jane", groups: ["crew"], uid: "7" }, fieldManager: "test" });
  const { uid: _, object, ...asked } = hook.asked[0];
  assert.equal([object.apiVersion, object.kind, object.metadata.name, object.data], ["v1", "ConfigMap", "one", { a: "1" }]);
  const kind = { group: "", version: "v1", kind: "ConfigMap" }, resource = { group: "", version: "v1", resource: "configmaps" };
  assert.equal(asked, {
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    name: "one",
    namespace: "default",
    operation: "CREATE",
    userInfo: { username: "jane", uid: "7", groups: ["crew"] },
    oldObject: null,
    dryRun: false,
    options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "test" },
    path: "/ask?timeout=10s",
  });
  hook.answer = () => ({ allowed: false, status: { code: 451, message: "not here" } });
  assert.equal(await refused(make(registry, "two")), {
    code: 451,
    message: 'admission webhook "guard.example.com" denied the request: not here',
  });
  hook.answer = () => ({ allowed: false });
  assert.equal(await refused(make(registry, "two")), {
    code: 400,
    message: 'admission webhook "guard.example.com" denied the request without explanation',
  });
  assert.equal(await refused(registry.delete(configMaps, { namespace: "default", name: "one" })), {
    code: 400,
    message: 'admission webhook "guard.example.com" denied the request without explanation',
  });
  const { operation, object: gone, oldObject } = hook.asked.at(-1);
  assert.equal([operation, gone, oldObject.metadata.name], ["DELETE", null, "one"]);
  assert.is((await registry.list(configMaps, { namespace: "default" })).items.length, 1);
});

test("what a webhook patches is what the next one sees, is checked like anything else, and is stored", async (context) => {
  const { registry, hook } = context, warnings: string[] = [];
  await mutating(context, "b", { name: "second.example.com", clientConfig: { url: `${hook.url}/second`, caBundle: hook.caBundle } });
  await mutating(context, "a", { reinvocationPolicy: "IfNeeded" });
  hook.answer = ({ object }) =>
    object.data.a === "1"
      ? {
        ...patch({ op: "replace", path: "/data/a", value: "2" }, { op: "replace", path: "/metadata/name", value: "other" }),
        warnings: ["changed"],
      }
      : object.data.a === "2"
      ? patch({ op: "add", path: "/data/b", value: "3" })
      : { allowed: true };
  const { object, name } = await make(registry, "one", { warn: (words: string) => warnings.push(words) });
  assert.equal([name, object.data, warnings], ["one", { a: "2", b: "3" }, ["changed"]]);
  assert.equal(hook.asked.map(({ path, object }) => [path, object.data]), [
    ["/ask?timeout=10s", { a: "1" }],
    ["/ask/second?timeout=10s", { a: "2" }],
    ["/ask?timeout=10s", { a: "2", b: "3" }],
  ], "who asked for it is asked again");
  hook.answer = () => patch({ op: "add", path: "/data/bad key", value: "x" });
  assert.is((await refused(make(registry, "two"))).code, 422);
  hook.answer = () => patch({ op: "remove", path: "/nowhere" });
  assert.match((await refused(make(registry, "two"))).message, /^Internal error occurred: failed calling webhook "guard.example.com": /);
});

test("who is not asked: other kinds, operations and namespaces, objects with other labels, and webhook configurations", async (context) => {
  const { registry, hook } = context, everywhere = { rules: everything, namespaceSelector: { matchLabels: { guarded: "yes" } } };
  await registry.create(namespaces, { metadata: { name: "sea", labels: { guarded: "yes" } } });
  await newNamespace(registry, "land");
  await validating(context, { ...everywhere, objectSelector: { matchLabels: { app: "web" } } });
  const { asked } = hook,
    made = (namespace: string, app: string) => registry.create(configMaps, { metadata: { name: app, namespace, labels: { app } } });
  await made("sea", "web");
  await made("sea", "db");
  await made("land", "web");
  assert.equal(asked.map(({ namespace, name }) => [namespace, name]), [["sea", "web"]]);
  await registry.modify(configMaps, { namespace: "sea", name: "web" }, (it) => void (it.metadata!.labels = {}));
  assert.is(asked.length, 2, "what it was counts, too");
  hook.answer = () => ({ allowed: false });
  await registry.modify(validatingWebhookConfigurations, { name: "v" }, (it) => void (it.webhooks![0]!.objectSelector = {}));
  await registry.delete(validatingWebhookConfigurations, { name: "v" });
});

test("conditions say of which requests a webhook is asked; one that fails is as a webhook that does", async (context) => {
  const { registry, hook } = context,
    change = (expression: string, failurePolicy: "Fail" | "Ignore" = "Fail") =>
      registry.modify(validatingWebhookConfigurations, { name: "v" }, (it) => {
        Object.assign(it.webhooks![0]!, { failurePolicy, matchConditions: [{ name: "crew", expression }] });
      });
  await validating(context, {
    matchConditions: [{ name: "crew", expression: '!("crew" in request.userInfo.groups) && object.data.a == "1"' }],
  });
  await make(registry, "one", { user: { name: "jane", groups: ["crew"] } });
  assert.is(hook.asked.length, 0);
  await make(registry, "two", { user: { name: "eve", groups: ["guests"] } });
  assert.equal(hook.asked.map(({ name }) => name), ["two"]);
  await change("object.data.nothing == 1 && oldObject == null");
  assert.match((await refused(make(registry, "three"))).message, /^configmaps "three" is forbidden: matchCondition "crew": /);
  await change("object.data.nothing == 1", "Ignore");
  await make(registry, "three");
  assert.is(hook.asked.length, 1);
  for (
    const [expression, words] of [["object.", /compilation failed: ERROR: <input>:1:/], ["1", /must evaluate to bool/], [
      "authorizer.x",
      /undeclared reference/,
    ]] as const
  ) {
    const { code, message } = await refused(change(expression));
    assert.is(code, 422);
    assert.match(message, words);
  }
});

test("a webhook that cannot be asked fails the request, or is ignored, as it says", async (context) => {
  const { registry, hook } = context;
  await validating(context, {});
  const answers: [answer: () => object | string | undefined, words: RegExp][] = [
    [() => "what?", /failed calling webhook "guard.example.com": the answer is no AdmissionReview: /],
    [() => ({ uid: "other", allowed: true }), /expected response.uid="[-0-9a-f]+", got "other"$/],
    [() => patch({ op: "remove", path: "/data" }), /validating webhooks may not return response.patch$/],
    [() => "x".repeat(4_000_000), /failed to call webhook: the answer has more than 3145728 bytes$/],
  ];
  for (const [answer, words] of answers) {
    hook.answer = answer;
    const { code, message } = await refused(make(registry, "one"));
    assert.is(code, 500);
    assert.match(message, words);
  }
  const change = (more: object) =>
    registry.modify(validatingWebhookConfigurations, { name: "v" }, (it) => void Object.assign(it.webhooks![0]!, more));
  await change({ clientConfig: { url: "https://127.0.0.1:1/" } });
  assert.match(
    (await refused(make(registry, "one"))).message,
    /failed to call webhook: Post "https:\/\/127.0.0.1:1\/\?timeout=10s": .*refused/i,
  );
  hook.answer = () => undefined;
  await change({ clientConfig: { url: hook.url, caBundle: hook.caBundle }, timeoutSeconds: 1 });
  const late =
    /^Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: Post "https:\/\/127.0.0.1:\d+\/ask\?timeout=1s": context deadline exceeded$/;
  assert.match((await refused(make(registry, "one"))).message, late);
  await change({ failurePolicy: "Ignore" });
  await make(registry, "one");
});

test("a webhook that hangs holds up who waits for it, and nobody else, not even at the same object", async (context) => {
  const { registry, hook } = context;
  await registry.create(pods, pod() as never);
  await validating(context, {
    timeoutSeconds: 2,
    rules: [{ operations: ["UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
  });
  hook.answer = () => undefined;
  let waiting = true;
  const key = { namespace: "default", name: "web" };
  const slow = refused(registry.modify(pods, key, (it) => void (it.metadata!.labels = { a: "b" }))).finally(() => waiting = false);
  while (hook.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await registry.modify(pods, key, (it) => void (it.status = { ...it.status, message: "meanwhile" }), { subresource: "status" });
  await make(registry, "other");
  assert.ok(waiting, "others were done before it");
  assert.match((await slow).message, /context deadline exceeded$/);
});

/** An endpoint may be no loopback address. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces()).flat().find((address) => address?.family === "IPv4" && !address.internal);
  if (!found) throw new Error("this machine has no address but loopback");
  return found.address;
}
test("a service is asked at one of its endpoints, and known by its name", async (context) => {
  const { registry, hook } = context, metadata = { name: "guard", namespace: "default" };
  const service = { name: "guard", namespace: "default", path: "/in" };
  await validating(context, { clientConfig: { service, caBundle: hook.caBundle } });
  assert.match(
    (await refused(make(registry, "one"))).message,
    /Post "https:\/\/guard.default.svc\/in\?timeout=10s": service "guard" not found$/,
  );
  await registry.create(services, { metadata, spec: { ports: [{ port: 443 }] } } as never);
  assert.match((await refused(make(registry, "one"))).message, /no endpoints available for service "guard"$/);
  const slice = { metadata: { ...metadata, labels: { "kubernetes.io/service-name": "guard" } }, addressType: "IPv4" };
  await registry.create(endpointSlices, { ...slice, endpoints: [{ addresses: [ownAddress()] }], ports: [{ port: hook.port }] } as never);
  await make(registry, "one");
  assert.is(hook.asked[0].path, "/in?timeout=10s");
});
