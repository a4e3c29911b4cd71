import * as assert from "uvu/assert";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { type ApiContext, ask, openApi } from "../../kit/api_server.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<ApiContext>("a subresource", { setup: openApi, teardown: (api) => api.close() });
const podPath = "/api/v1/namespaces/default/pods", web = "/apis/apps/v1/namespaces/default/deployments/web";
const pod = (name = "p") => ({ metadata: { name }, spec: { containers: [{ name: "c", image: "i:1" }] } });
const makeWeb = (api: ApiContext) =>
  ask(api, "POST", "/apis/apps/v1/namespaces/default/deployments", {
    body: {
      metadata: { name: "web" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "Exists" }] },
        template: { metadata: { labels: { app: "web", tier: "x" } }, spec: { containers: [{ name: "c", image: "i:1" }] } },
      },
    },
  });

test("scale reads and writes the number of replicas, by PATCH and by a PUT without Content-Type", async (api) => {
  const { body: made } = await makeWeb(api);
  const { body: scale } = await ask(api, "GET", `${web}/scale`);
  assert.equal(scale, {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: {
      name: "web",
      namespace: "default",
      uid: made.metadata.uid,
      resourceVersion: made.metadata.resourceVersion,
      creationTimestamp: made.metadata.creationTimestamp,
    },
    spec: { replicas: 2 },
    status: { replicas: 0, selector: "app=web,tier" },
  });
  const patched = await ask(api, "PATCH", `${web}/scale`, {
    body: { spec: { replicas: 5 } },
    headers: { "content-type": "application/merge-patch+json" },
  });
  assert.equal([patched.body.kind, patched.body.spec.replicas], ["Scale", 5]);
  const stale = await ask(api, "PUT", `${web}/scale`, { body: { ...scale, spec: { replicas: 7 } } });
  assert.is(stale.status, 409);
  const put = await ask(api, "PUT", `${web}/scale`, {
    body: JSON.stringify({ ...patched.body, spec: { replicas: 7 } }),
    headers: { "content-type": "" },
  });
  assert.is(put.status, 200);
  const { body: now } = await ask(api, "GET", web);
  assert.equal([now.spec.replicas, now.metadata.generation], [7, 3]);
  const negative = await ask(api, "PUT", `${web}/scale`, { body: { metadata: { name: "web" }, spec: { replicas: -1 } } });
  assert.equal([negative.status, negative.body.details.causes[0].field], [422, "spec.replicas"]);
  assert.is((await ask(api, "GET", `${podPath}/p/scale`)).status, 404);
});

test("status writes status alone", async (api) => {
  const { body: made } = await makeWeb(api);
  const body = { ...made, spec: { ...made.spec, replicas: 9 }, status: { observedGeneration: 1, replicas: 2 } };
  const put = await ask(api, "PUT", `${web}/status`, { body });
  assert.equal([put.status, put.body.spec.replicas, put.body.status.observedGeneration, put.body.metadata.generation], [200, 2, 1, 1]);
  const patched = await ask(api, "PATCH", `${web}/status`, {
    body: { status: { readyReplicas: 1 } },
    headers: { "content-type": "application/merge-patch+json" },
  });
  assert.equal([patched.body.status.observedGeneration, patched.body.status.readyReplicas], [1, 1]);
});

test("binding gives a pod its node, once", async (api) => {
  await ask(api, "POST", podPath, { body: pod() });
  const bind = (node: string) => ask(api, "POST", `${podPath}/p/binding`, { body: { target: { kind: "Node", name: node } } });
  const bound = await bind("pi-1");
  assert.equal([bound.status, bound.body.status], [201, "Success"]);
  const { body } = await ask(api, "GET", `${podPath}/p`);
  assert.is(body.spec.nodeName, "pi-1");
  const [scheduled] = body.status.conditions.filter((condition: { type: string }) => condition.type === "PodScheduled");
  assert.is(scheduled.status, "True");
  const again = await bind("pi-2");
  assert.equal([again.status, again.body.message], [
    409,
    'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "pi-1"',
  ]);
  assert.is((await ask(api, "POST", `${podPath}/p/binding`, { body: { target: {} } })).status, 422);
  await ask(api, "POST", podPath, { body: pod("q") });
  const older = await ask(api, "POST", "/api/v1/namespaces/default/bindings", {
    body: { metadata: { name: "q" }, target: { name: "pi-2" } },
  });
  assert.is(older.status, 201);
  assert.is((await ask(api, "GET", `${podPath}/q`)).body.spec.nodeName, "pi-2");
});

test("eviction deletes the pod", async (api) => {
  await ask(api, "POST", podPath, { body: pod() });
  const body = { kind: "Eviction", apiVersion: "policy/v1", metadata: { name: "p", namespace: "default" }, deleteOptions: {} };
  assert.is((await ask(api, "POST", `${podPath}/p/eviction`, { body })).status, 201);
  assert.is((await ask(api, "GET", `${podPath}/p`)).status, 404);
  assert.is((await ask(api, "POST", `${podPath}/p/eviction`, { body })).status, 404);
});

test("finalize writes the finalizers alone, and lets a namespace go", async (api) => {
  const { object } = await api.registry.create(namespaces, { metadata: { name: "n" } });
  const labelled = {
    ...object,
    metadata: { ...object.metadata, labels: { a: "b" } },
    spec: { finalizers: ["kubernetes", "example.com/x"] },
  };
  const kept = await ask(api, "PUT", "/api/v1/namespaces/n/finalize", { body: labelled });
  assert.equal([kept.body.spec.finalizers, kept.body.metadata.labels.a], [["kubernetes", "example.com/x"], undefined]);
  const { body } = await ask(api, "DELETE", "/api/v1/namespaces/n");
  assert.is(body.status.phase, "Terminating");
  const done = await ask(api, "PUT", "/api/v1/namespaces/n/finalize", { body: { ...body, spec: { finalizers: [] } } });
  assert.is(done.status, 200, JSON.stringify(done.body));
  assert.is((await ask(api, "GET", "/api/v1/namespaces/n")).status, 404);
});
