// Server-side apply as stock kubectl does it: who owns what, who is in whose way, and the way there from client-side apply.
import * as assert from "uvu/assert";
import type { ManagedFieldsEntry } from "../../shared/api/meta.ts";
import { serveApi, type ServedApi } from "../kit/api_server.ts";
import { type Kubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { suite } from "../kit/suite.ts";

const manifest = ({ image = "nginx:1", replicas = 2, tier = "", log = false } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web${tier && `, tier: ${tier}`}}}
spec:
${replicas > 0 ? `  replicas: ${replicas}` : ""}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: nginx
        image: ${image}
        ports: [{containerPort: 80}]
${log ? "      - {name: log, image: vector}" : ""}
`;

const found = kubectls();
for (const { version, path } of found.length > 0 ? found : [{ version: "none", path: "" }]) {
  const test = suite<{ api: ServedApi; k: Kubectl["run"]; ok: Kubectl["ok"]; owners(): Promise<ManagedFieldsEntry[]> }>(
    `kubectl ${version} apply --server-side`,
    {
      async setup() {
        const api = await serveApi(), { run, ok, json } = kubectl(path, api);
        return { api, k: run, ok, owners: async () => (await json("get deploy web --show-managed-fields")).metadata.managedFields };
      },
      teardown: ({ api }) => api.close(),
      timeoutMs: 120_000,
      skip: found.length === 0 ? "no kubectl" : undefined,
    },
  );
  const apply = "apply --server-side -f -";
  const shown = (path: string) => `get deploy web -o 'jsonpath=${path}'`;

  test("creates, changes, takes away, and leaves alone what it has not said", async ({ ok, owners }) => {
    assert.is(await ok(apply, { input: manifest({ tier: "front", log: true }) }), "deployment.apps/web serverside-applied\n");
    const [entry, ...others] = await owners();
    assert.is(others.length, 0);
    assert.equal({ ...entry, time: "" }, {
      manager: "kubectl",
      operation: "Apply",
      apiVersion: "apps/v1",
      time: "",
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:metadata": { "f:labels": { "f:app": {}, "f:tier": {} } },
        "f:spec": {
          "f:replicas": {},
          "f:selector": {},
          "f:template": {
            "f:metadata": { "f:labels": { "f:app": {} } },
            "f:spec": {
              "f:containers": {
                'k:{"name":"nginx"}': {
                  ".": {},
                  "f:name": {},
                  "f:image": {},
                  "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
                },
                'k:{"name":"log"}': { ".": {}, "f:name": {}, "f:image": {} },
              },
            },
          },
        },
      },
    });
    const before = await ok(shown("{.metadata.resourceVersion} {.metadata.generation}"));
    await ok(apply, { input: manifest({ tier: "front", log: true }) });
    assert.is(await ok(shown("{.metadata.resourceVersion} {.metadata.generation}")), before, "applied again, nothing is written");

    await ok("annotate deploy web why=because");
    await ok("scale deploy web --replicas=5");
    await ok("apply --server-side --force-conflicts -f -", { input: manifest({ replicas: 0, image: "nginx:2" }) });
    const state = "{.metadata.labels} {.metadata.annotations.why} {.spec.replicas} {.spec.template.spec.containers[*].image}";
    assert.is(await ok(shown(state)), '{"app":"web"} because 5 nginx:2');
    assert.not(/managedFields/.test(await ok("get deploy web -o yaml")));
  });

  test("says who is in the way, and takes it from them when told to", async ({ ok, k, owners }) => {
    await ok(apply, { input: manifest() });
    await ok("scale deploy web --replicas=5");
    await ok("set image deploy/web nginx=nginx:9");
    const { code, err } = await k(apply, { input: manifest() });
    assert.is(code, 1);
    const expected = [
      String.raw`Apply failed with 2 conflicts: conflicts with "kubectl-set" using apps/v1:\n`,
      String.raw`- \.spec\.template\.spec\.containers\[name="nginx"\]\.image\n`,
      String.raw`conflicts with "kubectl[.\d]*" with subresource "scale" using apps/v1:\n- \.spec\.replicas\n`,
    ];
    assert.match(err, new RegExp(expected.join("")));
    assert.match(err, /Please review the fields above--they currently have other managers/);
    const diff = await k("diff --server-side --force-conflicts -f -", { input: manifest() });
    assert.is(diff.code, 1, diff.err);
    assert.match(diff.out, /^-.*replicas: 5$[\s\S]*^\+.*replicas: 2$/m);
    assert.is(await ok(shown("{.spec.replicas}")), "5");
    await ok("apply --server-side --force-conflicts --dry-run=server -f -", { input: manifest() });
    assert.is(await ok(shown("{.spec.replicas}")), "5");
    await ok("apply --server-side --force-conflicts -f -", { input: manifest() });
    assert.is(await ok(shown("{.spec.replicas} {.spec.template.spec.containers[0].image}")), "2 nginx:1");
    assert.equal((await owners()).map(({ manager, operation }) => `${manager} ${operation}`), ["kubectl Apply"]);
    await ok(`${apply} --field-manager=other`, { input: manifest() }); // the same values: both own them
    assert.match(
      (await k(`${apply} --field-manager=other`, { input: manifest({ replicas: 3 }) })).err,
      /1 conflict: conflict with "kubectl": \.spec\.replicas/,
    );
  });

  test("takes over from client-side apply", async ({ ok, k, owners }) => {
    await ok("apply -f -", { input: manifest({ tier: "front" }) });
    assert.is((await owners())[0]!.manager, "kubectl-client-side-apply");
    await ok(apply, { input: manifest({ image: "nginx:2" }) });
    assert.equal((await owners()).map(({ manager, operation }) => `${manager} ${operation}`).slice(0, 1), ["kubectl Apply"]);
    assert.is(await ok(shown("{.metadata.labels} {.spec.template.spec.containers[0].image}")), '{"app":"web"} nginx:2');
    assert.is(await ok("apply -f -", { input: manifest({ image: "nginx:3" }) }), "deployment.apps/web configured\n");
    assert.is(await ok(shown("{.spec.template.spec.containers[0].image}")), "nginx:3");
    await ok(apply, { input: manifest({ image: "nginx:4" }) });
    assert.is((await k("diff --server-side -f -", { input: manifest({ image: "nginx:4" }) })).code, 0);
  });
}
