// The API as stock kubectl sees it: every version that this machine has, from the oldest we promise to the newest.
import * as assert from "uvu/assert";
import { noStreams, serveApi, type ServedApi } from "../kit/api_server.ts";
import { type Kubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { suite } from "../kit/suite.ts";

const manifest = ({ image = "nginx:1", replicas = 2, field = "image" } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: nginx
        ${field}: ${image}
        ports: [{containerPort: 80}]
`;

const found = kubectls();
for (const { version, path } of found.length > 0 ? found : [{ version: "none", path: "" }]) {
  const test = suite<{ api: ServedApi; k: Kubectl["run"]; ok: Kubectl["ok"] }>(
    `kubectl ${version}`,
    {
      async setup() {
        const api = await serveApi({ streams: { ...noStreams, logs: () => Promise.resolve(new Response("one\ntwo\n").body!) } });
        const { run, ok } = kubectl(path, api);
        return { api, k: run, ok };
      },
      teardown: ({ api }) => api.close(),
      timeoutMs: 120_000,
      skip: found.length === 0 ? "no kubectl" : undefined,
    },
  );

  test("finds its way: version, api-resources, api-versions, explain, get all", async ({ ok }) => {
    assert.match(await ok("version"), /v1\.33\.\d+-skerry/);
    assert.match(await ok("api-resources"), /deployments +deploy +apps\/v1 +true +Deployment/);
    assert.match(await ok("api-versions"), /^apps\/v1$/m);
    assert.match(await ok("explain deployment.spec"), /FIELD: spec <DeploymentSpec>[\s\S]*replicas\t<integer>/);
    assert.match(await ok("explain pods.spec.containers.ports --recursive"), /containerPort\t<integer> -required-/);
    assert.match(await ok("get ns"), /^NAME +STATUS +AGE\ndefault +Active +\S+\n$/);
    await ok("get all -A");
  });

  test("creates, applies, changes and deletes", async ({ ok, k }) => {
    assert.is(await ok("apply -f -", { input: manifest() }), "deployment.apps/web created\n");
    assert.is(await ok("apply -f -", { input: manifest() }), "deployment.apps/web unchanged\n");
    assert.is(await ok("apply -f -", { input: manifest({ image: "nginx:2", replicas: 3 }) }), "deployment.apps/web configured\n");
    assert.match(await ok("get deploy"), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/3 +0 +0 +\S+\n$/);
    assert.match(await ok("get deploy -A -o wide"), /NAMESPACE.*CONTAINERS +IMAGES +SELECTOR\ndefault +web .* nginx +nginx:2 +app=web\n/);

    const diff = await k("diff --server-side=false -f -", { input: manifest({ image: "nginx:3", replicas: 3 }) });
    assert.is(diff.code, 1, diff.err);
    assert.match(diff.out, /^-.*nginx:2$[\s\S]*^\+.*nginx:3$/m);

    await ok('patch deploy web -p \'{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:4"}]}}}}\'');
    await ok('patch deploy web --type=merge -p \'{"spec":{"replicas":4}}\'');
    await ok('patch deploy web --type=json -p \'[{"op":"add","path":"/metadata/labels/json","value":"patched"}]\'');
    assert.match(await ok("edit deploy web", { env: { EDITOR: "sed -i s/nginx:4/nginx:5/" } }), /web edited/);
    await ok("label deploy web tier=front");
    await ok("annotate deploy web why=because");
    await ok("set image deploy/web nginx=nginx:6");
    await ok("scale deploy web --replicas=6");
    await ok("scale deploy web --current-replicas=6 --replicas=7");
    const shown =
      "{.spec.replicas} {.spec.template.spec.containers[0].image} {.metadata.labels.tier} {.metadata.labels.json} {.metadata.annotations.why}";
    assert.is(await ok(`get deploy web -o 'jsonpath=${shown}'`), "7 nginx:6 front patched because");
    await ok("wait --for=jsonpath={.spec.replicas}=7 deploy/web --timeout=10s");
    assert.match(await ok("describe deploy web"), /Image: +nginx:6/);
    await ok("rollout restart deploy/web");

    assert.is(await ok("delete deploy web"), 'deployment.apps "web" deleted\n');
    assert.match((await k("get deploy web")).err, /^Error from server \(NotFound\): deployments.apps "web" not found\n$/);
    assert.is(await ok("create -f -", { input: manifest() }), "deployment.apps/web created\n");
    assert.match((await k("create -f -", { input: manifest() })).err, /\(AlreadyExists\): .*deployments.apps "web" already exists/);
    await ok("replace -f -", { input: manifest({ image: "nginx:9" }) });
  });

  test("is told what is wrong with its manifest, by field", async ({ ok, k }) => {
    const misspelt = await k("apply -f -", { input: manifest({ field: "imag" }) });
    assert.is(misspelt.code, 1);
    assert.match(misspelt.err, /strict decoding error: unknown field "spec\.template\.spec\.containers\[0\]\.imag"/);
    assert.match(
      (await k("apply -f -", { input: manifest({ replicas: -1 }) })).err,
      /^The Deployment "web" is invalid: spec\.replicas: Invalid value: -1: /,
    );
    await ok("apply -f -", { input: manifest() });
    assert.match(
      (await k("apply -f -", { input: manifest({ field: "imag" }) })).err,
      /unknown field "spec\.template\.spec\.containers\[0\]\.imag"/,
    );
    const warned = await k("apply --validate=warn -f -", { input: manifest().replace("ports:", "prts:") });
    assert.is(warned.code, 0, warned.err);
    assert.match(warned.err, /Warning: unknown field "spec\.template\.spec\.containers\[0\]\.prts"/);
    assert.match(
      (await k("apply --server-side -f -", { input: manifest({ field: "imag" }) })).err,
      /unknown field "spec\.template\.spec\.containers\[0\]\.imag"/,
    );
  });

  test("sends protobuf, and asks about itself", async ({ ok }) => {
    await ok("create namespace n");
    await ok("create configmap c --from-literal=a=b -n n");
    await ok("create secret generic s --from-literal=a=b -n n");
    await ok("create serviceaccount a -n n");
    await ok("create deployment d --image=nginx --replicas=2 -n n");
    assert.is(await ok("get cm/c secret/s -n n -o 'jsonpath={.items[*].data.a}'"), "b Yg==");
    assert.is(await ok("auth can-i delete pods"), "yes\n");
    assert.match(await ok("auth whoami"), /Username +admin/);
    assert.match(await ok("auth can-i --list"), /\*\.\*/);
    assert.match(await ok("delete ns n --wait=false"), /deleted/);
    assert.match(await ok("get ns n"), /Terminating/);
  });

  test("runs, describes and logs a pod, as far as there is no node", async ({ ok, k }) => {
    await ok("run p --image=nginx");
    assert.match(await ok("get pods -o wide"), /p +0\/1 +Pending +0 +\S+ +<none> +<none>/);
    assert.match(await ok("describe pod p"), /Status: +Pending/);
    assert.match((await k("logs p")).err, /pod p does not have a host assigned/);
    assert.match((await k("exec p -- ls")).err, /pod p does not have a host assigned/);
    await ok("expose pod p --port 80 --name svc --selector run=p");
    assert.match(await ok("get svc svc"), /svc +ClusterIP +[\d.]+ +<none> +80\/TCP/);
    assert.match((await k("get pods --field-selector status.bogus=x")).err, /field label not supported: status\.bogus/);
  });

  test("watches", async ({ ok, k }) => {
    const watching = k("get cm -w --output-watch-events", { forMs: 6_000 });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await ok("create configmap a --from-literal=a=b");
    await ok("label cm a x=y");
    await ok("delete cm a");
    const events = (await watching).out.split("\n").slice(1).map((line) => line.split(/ +/).slice(0, 2).join(" ")).filter((line) =>
      line !== ""
    );
    assert.equal(events, ["ADDED a", "MODIFIED a", "DELETED a"]);
  });
}
