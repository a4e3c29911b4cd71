// Admission as people meet it: a master of its own and stock kubectl, the oldest we promise and the newest.
import * as assert from "uvu/assert";
import { eventually } from "../kit/eventually.ts";
import { type Kubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { type MasterProcess, masterProcess } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";
import { patch, webhookServer } from "../kit/webhook_server.ts";

interface Context {
  readonly master: MasterProcess;
  readonly admin: Kubectl;
}
const found = kubectls();
for (const { version, path } of found.length > 0 ? found : [{ version: "none", path: "" }]) {
  const test = suite<Context>(`admission with kubectl ${version}`, {
    async setup() {
      const master = await masterProcess();
      await master.start();
      return { master, admin: kubectl(path, { kubeconfig: master.kubeconfig, directory: master.directory }) };
    },
    teardown: ({ master }) => master.close(),
    timeoutMs: 180_000,
    skip: found.length === 0 ? "no kubectl" : undefined,
  });

  test("a limit range gives what a container leaves out, and says what is too little or too much", async ({ admin }) => {
    await admin.ok("apply -f -", { input: limitRange });
    assert.match(await admin.ok("describe limitrange usual"), /Container +cpu +100m +1 +200m +500m +5/);
    await admin.ok("run web --image=web:1");
    assert.equal((await admin.json("get pod web")).spec.containers[0].resources, { limits: { cpu: "500m" }, requests: { cpu: "200m" } });
    assert.match(await admin.ok("describe pod web"), /LimitRanger plugin set: cpu request for container web; cpu limit for container web/);
    const overrides = JSON.stringify({ spec: { containers: [{ name: "b", image: "b", resources: { requests: { cpu: "50m" } } }] } });
    const { code, err } = await admin.run(`run little --image=b '--overrides=${overrides}'`);
    assert.equal([code, err], [
      1,
      'Error from server (Forbidden): pods "little" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, ' +
      "cpu max limit to request ratio per Container is 5, but provided ratio is 10.000000]\n",
    ]);
  });

  test("a pod runs as somebody who exists, with their pull secrets, and as important as its class says", async ({ admin }) => {
    await admin.ok("create namespace crew");
    await admin.ok("run early --image=i -n crew"); // its account is a moment away
    const nobody = await admin.run(`run lost --image=i '--overrides={"spec":{"serviceAccountName":"captain"}}'`);
    assert.is(
      nobody.err,
      'Error from server (Forbidden): pods "lost" is forbidden: error looking up service account default/captain: serviceaccount "captain" not found\n',
    );
    await admin.ok("create serviceaccount captain");
    await admin.ok(`patch serviceaccount captain -p '{"imagePullSecrets":[{"name":"harbour"}]}'`);
    await admin.ok(`run found --image=i '--overrides={"spec":{"serviceAccountName":"captain"}}'`);
    assert.equal((await admin.json("get pod found")).spec.imagePullSecrets, [{ name: "harbour" }]);

    assert.match(
      await admin.ok("get priorityclasses"),
      /^NAME .*\nsystem-cluster-critical +2000000000 .*\nsystem-node-critical +2000001000 /,
    );
    await admin.ok("create priorityclass usual --value=10 --global-default");
    const second = await admin.run("create priorityclass other --value=5 --global-default");
    assert.match(second.err, /"other" is forbidden: PriorityClass usual is already marked as default\. Only one default can exist/);
    await admin.ok("run ranked --image=i");
    const { priority, priorityClassName, preemptionPolicy } = (await admin.json("get pod ranked")).spec;
    assert.equal([priority, priorityClassName, preemptionPolicy], [10, "usual", "PreemptLowerPriority"]);
    const unknown = await admin.run(`run vip --image=i '--overrides={"spec":{"priorityClassName":"vip"}}'`);
    assert.is(unknown.err, 'Error from server (Forbidden): pods "vip" is forbidden: no PriorityClass with name vip was found\n');
    assert.match(
      (await admin.run("delete priorityclass system-node-critical")).err,
      /this is a system priority class and cannot be deleted/,
    );
  });

  test("a quota is counted, shown, and never exceeded", async ({ admin }) => {
    await admin.ok("create namespace small");
    const small = (line: string) => admin.run(`${line} -n small`);
    const shows = (line: string, what: RegExp) => eventually(line, async () => what.test((await small(line)).out));
    await admin.ok("create quota q --hard=pods=3,services.nodeports=1,count/deployments.apps=1 -n small");
    await shows("describe quota q", /\npods +0 +3\nservices.nodeports +0 +1\n/);
    await admin.ok("create deployment web --image=web:1 --replicas=5 -n small");
    await shows("get quota", /\nq .*count\/deployments.apps: 1\/1, pods: 3\/3, services.nodeports: 0\/1 /);
    assert.is((await admin.json("get pods -n small")).items.length, 3);
    assert.is(
      (await small("run one-more --image=i")).err,
      'Error from server (Forbidden): pods "one-more" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3\n',
    );
    assert.match((await small("create deployment other --image=i")).err, /exceeded quota: q, requested: count\/deployments.apps=1, used: /);
    await admin.ok("scale deployment web --replicas=1 -n small");
    await eventually("room for one more", async () => (await small("run one-more --image=i")).code === 0);

    await admin.ok("create quota sized --hard=limits.cpu=1 -n small");
    await shows("describe quota sized", /limits.cpu +0 +1/);
    const { err } = await small("run vague --image=i --dry-run=server");
    assert.match(err, /pods "vague" is forbidden: failed quota: sized: must specify limits.cpu for: vague/);
  });

  test("pods are as harmless as the labels of their namespace ask", async ({ admin }) => {
    await admin.ok("create namespace guarded");
    await admin.ok("run before --image=i -n guarded --privileged");
    const labelled = await admin.run(
      "label namespace guarded pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/warn=restricted",
    );
    assert.is(
      labelled.err,
      'Warning: existing pods in namespace "guarded" violate the new PodSecurity enforce level "baseline:latest"\nWarning: before: privileged\n',
    );
    assert.is(
      (await admin.run("run after --image=i -n guarded --privileged")).err,
      'Error from server (Forbidden): pods "after" is forbidden: violates PodSecurity "baseline:latest": ' +
        'privileged (container "after" must not set securityContext.privileged=true)\n',
    );
    const { code, err } = await admin.run("create deployment web --image=i -n guarded");
    assert.is(code, 0);
    assert.match(
      err,
      /^Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false \(container "i" must set /,
    );
    assert.match(
      (await admin.run("label namespace guarded pod-security.kubernetes.io/enforce=most --overwrite")).err,
      /must be one of privileged, baseline, restricted/,
    );
  });

  test("webhooks are asked before anything is stored, and kubectl shows what they say", async ({ admin }) => {
    const hook = await webhookServer();
    try {
      const webhooks = (kind: string, name: string) =>
        `apiVersion: admissionregistration.k8s.io/v1
kind: ${kind}
metadata: {name: ${name}}
webhooks:
- name: ${name}.example.com
  clientConfig: {url: "${hook.url}/${name}", caBundle: ${hook.caBundle}}
  rules: [{operations: [CREATE, UPDATE], apiGroups: [apps], apiVersions: [v1], resources: [deployments]}]
  sideEffects: None
  timeoutSeconds: 5
  admissionReviewVersions: [v1]
`;
      await admin.ok("apply -f -", { input: webhooks("MutatingWebhookConfiguration", "labels") });
      await admin.ok("apply -f -", { input: webhooks("ValidatingWebhookConfiguration", "guard") });
      assert.match(await admin.ok("get mutatingwebhookconfigurations,validatingwebhookconfigurations"), /labels +1 +\S+\n[^]*guard +1 +/);
      hook.answer = ({ path, object }) =>
        path.startsWith("/ask/labels")
          ? patch({ op: "add", path: "/spec/template/metadata/labels/tide", value: "low" })
          : object.metadata.name === "reef"
          ? { allowed: false, status: { code: 403, reason: "Forbidden", message: "mind the reef" } }
          : { allowed: true, warnings: ["shallow water"] };
      const made = await admin.run("create deployment web --image=i");
      assert.equal([made.code, made.err], [0, "Warning: shallow water\n"]);
      assert.is((await admin.json("get deployment web")).spec.template.metadata.labels.tide, "low");
      const refused = await admin.run("create deployment reef --image=i");
      assert.match(
        refused.err,
        /^(error: .*|Error from server \(Forbidden\)): admission webhook "guard.example.com" denied the request: mind the reef\n$/,
      );
      await hook.close();
      const failed = await admin.run("create deployment late --image=i");
      assert.match(
        failed.err,
        /Internal error occurred: failed calling webhook "labels.example.com": failed to call webhook: Post /,
      );
      await admin.ok("delete mutatingwebhookconfiguration labels");
      await admin.ok("delete validatingwebhookconfiguration guard");
      await admin.ok("create deployment late --image=i");
    } finally {
      await hook.close();
    }
  });
}

const limitRange = `apiVersion: v1
kind: LimitRange
metadata: {name: usual}
spec:
  limits:
  - {type: Container, min: {cpu: 100m}, max: {cpu: "1"}, default: {cpu: 500m}, defaultRequest: {cpu: 200m}, maxLimitRequestRatio: {cpu: "5"}}
`;
