// The kinds that are stored before anybody acts on them, as stock kubectl makes, shows and changes them.
import * as assert from "uvu/assert";
import { serveApi, type ServedApi } from "../kit/api_server.ts";
import { type Kubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { suite } from "../kit/suite.ts";

const template = "{metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: 'db:1'}]}}";
const stateful = (replicas: number) => `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: ${replicas}
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: ${template}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;

const found = kubectls();
for (const { version, path } of found.length > 0 ? found : [{ version: "none", path: "" }]) {
  const test = suite<{ api: ServedApi; k: Kubectl["run"]; ok: Kubectl["ok"] }>(`kubectl ${version}: kinds`, {
    async setup() {
      const api = await serveApi(), { run, ok } = kubectl(path, api);
      return { api, k: run, ok };
    },
    teardown: ({ api }) => api.close(),
    timeoutMs: 120_000,
    skip: found.length === 0 ? "no kubectl" : undefined,
  });

  test("statefulsets: apply, apply again, scale, patch, get, describe, what may not change", async ({ ok, k }) => {
    assert.is(await ok("apply -f -", { input: stateful(2) }), "statefulset.apps/db created\n");
    // kubectl sends volumeClaimTemplates again, because what it is given lacks what the server has filled in. Nothing changes by that.
    await ok("apply -f -", { input: stateful(2) });
    assert.is(await ok("get sts db -o 'jsonpath={.metadata.generation}'"), "1");
    assert.is(await ok("apply -f -", { input: stateful(3) }), "statefulset.apps/db configured\n");
    assert.is(await ok("scale sts db --replicas=4"), "statefulset.apps/db scaled\n");
    assert.match(await ok("get sts -o wide"), /^NAME +READY +AGE +CONTAINERS +IMAGES\ndb +0\/4 +\S+ +db +db:1\n$/);
    assert.match(await ok("describe sts db"), /Pods Status: +0 Running/);
    assert.match(await ok("explain statefulset.spec.updateStrategy"), /rollingUpdate\t<RollingUpdateStatefulSetStrategy>/);
    const refused = await k('patch sts db -p \'{"spec":{"serviceName":"other"}}\'');
    assert.match(refused.err, /The StatefulSet "db" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/);
  });
}
