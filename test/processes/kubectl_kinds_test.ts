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
    const applied = await k("apply -f -", { input: stateful(2) });
    assert.equal(applied, {
      code: 0,
      out: "statefulset.apps/db created\n",
      err: "Warning: statefulsets.apps: stored, but nothing acts on them yet\n",
    });
    // kubectl sends volumeClaimTemplates again, because what it is given lacks what the server has filled in. Nothing changes by that.
    await ok("apply -f -", { input: stateful(2) });
    assert.is(await ok("get sts db -o 'jsonpath={.metadata.generation}'"), "1");
    assert.is(await ok("apply -f -", { input: stateful(3) }), "statefulset.apps/db configured\n");
    assert.is(await ok("scale sts db --replicas=4"), "statefulset.apps/db scaled\n");
    assert.match(await ok("get sts -o wide"), /^NAME +READY +AGE +CONTAINERS +IMAGES\ndb +0\/4 +\S+ +db +db:1\n$/);
    assert.match(await ok("describe sts db"), /Pods Status: +0 Running/);
    assert.match(await ok("explain statefulset.spec.updateStrategy"), /rollingUpdate\t<RollingUpdateStatefulSetStrategy>/);
    const refused = await k('patch sts db -p \'{"spec":{"serviceName":"other"}}\'');
    assert.match(
      refused.err,
      /The StatefulSet "db" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/,
    );
  });

  test("jobs and cronjobs: create, get, describe, what is wrong with them", async ({ ok, k }) => {
    assert.is(await ok("create job tide --image=tide:1"), "job.batch/tide created\n");
    assert.match(
      await ok("get jobs -o wide"),
      /^NAME +STATUS +COMPLETIONS .*SELECTOR\ntide +Running +0\/1 .*tide:1 +batch.kubernetes.io\/controller-uid=/,
    );
    assert.match(await ok("describe job tide"), /Completions: +1\n/);
    assert.is(await ok("create cronjob ebb --image=tide:1 '--schedule=*/5 * * * *'"), "cronjob.batch/ebb created\n");
    assert.match(await ok("get cj"), /ebb +\*\/5 \* \* \* \* +<none> +False +0 +<none>/);
    assert.match(await ok("describe cronjob ebb"), /Schedule: +\*\/5 \* \* \* \*/);
    assert.is(await ok("create job once --from=cronjob/ebb"), "job.batch/once created\n");
    const refused = await k("create cronjob bad --image=a --schedule=hourly");
    assert.match(refused.err, /spec.schedule: Invalid value: "hourly": expected exactly 5 fields, found 1: \[hourly\]/);
  });

  test("autoscalers: autoscale, get in v2 and v1, patch through v1, describe", async ({ ok }) => {
    await ok("create deployment web --image=web:1");
    assert.match(await ok("autoscale deployment web --min=2 --max=5 --cpu-percent=60"), /autoscaled\n$/);
    assert.match(await ok("get hpa"), /web +Deployment\/web +cpu: <unknown>\/60% +2 +5 +0 /);
    assert.match(await ok("get horizontalpodautoscalers.v1.autoscaling"), /web +Deployment\/web +cpu: <unknown>\/60% +2 +5 +0 /);
    await ok('patch horizontalpodautoscalers.v1.autoscaling web --type=merge -p \'{"spec":{"targetCPUUtilizationPercentage":70}}\'');
    const shown = "{.spec.metrics[0].resource.target.averageUtilization} {.spec.maxReplicas}";
    assert.is(await ok(`get horizontalpodautoscalers.v2.autoscaling web -o 'jsonpath=${shown}'`), "70 5");
    assert.match(await ok("describe hpa web"), /resource cpu on pods.*<unknown> \/ 70%/);
  });

  test("budgets, bounds, replication controllers, pod templates", async ({ ok, k }) => {
    assert.match(await ok("create pdb web --selector=app=web --min-available=50%"), /created\n$/);
    assert.match(await ok("get pdb"), /web +50% +N\/A +0 /);
    assert.match(await ok("create quota all --hard=pods=4,limits.cpu=2"), /created\n$/);
    await ok("get quota");
    const spec = "{selector: {app: db}, template: " + template + "}";
    const input = `
apiVersion: v1
kind: ReplicationController
metadata: {name: db}
spec: ${spec}
---
apiVersion: v1
kind: PodTemplate
metadata: {name: db}
template: ${template}
`;
    await ok("apply -f -", { input });
    assert.is((await ok("apply -f -", { input })).match(/unchanged/g)?.length, 2);
    const bounds = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: some}\nspec: {limits: [{type: Container, max: {cpu: 2}}]}\n";
    await ok("create -f -", { input: bounds });
    assert.match(await ok("get rc,podtemplates -o wide"), /db +1 +0 +0 +\S+ +db +db:1 +app=db\n[\s\S]*db +db +db:1 +app=db/);
    assert.match(await ok("get limits"), /^NAME +CREATED AT\nsome +\d{4}-/);
    assert.match(await ok("describe limits some"), /Container +cpu +- +2 +2 +2/);
    await ok("scale rc db --replicas=3");
    const refused = await k("create pdb bad --selector=app=web --min-available=101%");
    assert.match(refused.err, /spec.minAvailable: Invalid value: "101%": must not be greater than 100%/);
    for (const kind of ["sts", "job", "cj", "rc", "podtemplate", "hpa", "pdb", "limits", "quota"]) await ok(`delete ${kind} --all`);
  });
}
