// The whole path once: what a user applies becomes running containers that answer behind their service, and stock kubectl shows all of it.
import { readFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { type Kubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { root } from "../kit/master_process.ts";
import { page } from "../kit/page.ts";
import { noPodman } from "../kit/podman.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

const cluster = shared<Cluster>(startCluster, (made) => made.close(), clusterLog);
const test = cluster.counting(suite<Cluster>("first light", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 100_000,
  skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined),
}));
const example = `${root}/examples/02_web_deployment/web.yaml`;
const nodePort = 30_000 + process.pid % 2_000;

/** What a command in the pod prints, as the container's own engine runs it. */
async function inPod({ agent, master }: Cluster, pod: string, ...command: string[]): Promise<string> {
  const { body } = await master.client.ask("GET", `/api/v1/namespaces/default/pods/${pod}`);
  const id = body.status.containerStatuses[0].containerID.replace(/^.*:\/\//, "");
  const { exitCode, output } = await (await agent.podman()).exec(id, command, { timeoutMs: 20_000, maxOutputBytes: 10_000 });
  assert.is(exitCode, 0, `${command.join(" ")} in ${pod}: ${output}`);
  return output;
}

test("the example comes up: three pods, their ConfigMap, and one address that reaches them all", async (cluster) => {
  const { k, ready } = cluster;
  assert.match(await k.ok(`apply -f ${example}`), /configmap\/web created\ndeployment.apps\/web created\nservice\/web created/);
  const pods = await ready(3);
  const { spec: { clusterIP } } = await k.json("get service web");

  const answered = new Set<string>();
  await eventually("every pod behind the service answers the node", async () => {
    const text = await page(`http://${clusterIP}/`);
    assert.match(text, /^Hello from a rock in the sea from pod web-/);
    answered.add(text.trim().split(" ").at(-1)!);
    return answered.size === 3;
  }, { everyMs: 0 });
  assert.equal([...answered].sort(), pods.map(({ name }) => name).sort());

  const fromPod = new Set<string>();
  await eventually("every pod answers a pod, itself among them", async () => {
    const text = await inPod(cluster, pods[0]!.name, "wget", "-q", "-O", "-", `http://${clusterIP}/`);
    fromPod.add(text.trim().split(" ").at(-1)!);
    return fromPod.size === 3;
  }, { everyMs: 0 });

  assert.is(await inPod(cluster, pods[0]!.name, "cat", "/greeting/greeting.txt"), "The tide is out.\n");
  assert.is(await inPod(cluster, pods[0]!.name, "sh", "-c", "echo $POD_NAME"), `${pods[0]!.name}\n`);
  for (const { ip } of pods) assert.match(await page(`http://${ip}:8080/`), /^Hello/);
});

test("a NodePort answers at the node's own address", async ({ k, master, agent }) => {
  await k.ok(`patch service web -p '{"spec":{"type":"NodePort","ports":[{"port":80,"targetPort":"http","nodePort":${nodePort}}]}}'`);
  const { body } = await master.client.ask("GET", `/api/v1/nodes/${agent.nodeName}`);
  const { address } = body.status.addresses.find(({ type }: { type: string }) => type === "InternalIP");
  await eventually("the node port", () => page(`http://${address}:${nodePort}/`).then((text) => assert.match(text, /^Hello/) ?? true));
});

for (const { version, path } of kubectls()) {
  test(`kubectl ${version} shows and changes all of it`, async (cluster) => {
    const { master, agent, ready } = cluster, k = kubectl(path, { kubeconfig: master.kubeconfig, directory: `${agent.directory}` });
    await looks(k, cluster);
    await changes(k, cluster);
    await k.ok(`delete -f ${example} --wait=true`);
    await eventually("no pods are left", async () => (await k.ok("get pods")) === "");
    await k.ok(`apply -f ${example}`);
    await ready(3);
  });
}

async function looks(k: Kubectl, { agent, ready }: Cluster): Promise<void> {
  const [pod] = await ready(3), name = pod!.name;
  assert.match(await k.ok("get nodes"), new RegExp(`^NAME +STATUS +ROLES +AGE +VERSION.*\\n${agent.nodeName} +Ready `, "m"));
  assert.match(await k.ok("get pods -o wide"), new RegExp(`${name} +1/1 +Running +0 +\\S+ +${pod!.ip} +${agent.nodeName} `));
  const all = await k.ok("get all");
  for (const kind of [/^pod\/web-/m, /^service\/web +/m, /^deployment.apps\/web +3\/3 +3 +3/m, /^replicaset.apps\/web-\S+ +3 +3 +3/m]) {
    assert.match(all, kind);
  }
  const described = await k.ok(`describe pod ${name}`);
  for (
    const part of [
      /^Status: +Running/m,
      /Container ID: +podman:\/\/[0-9a-f]{64}/,
      /Ready: +True/,
      /Readiness: +http-get http:\/\/:http\//,
      /Limits:\s+memory: +32Mi/,
      /Normal +Started +/,
    ]
  ) {
    assert.match(described, part);
  }
  assert.match(await k.ok("get events"), /Normal +Scheduled +pod\/web-/);
  assert.match(await k.ok(`logs ${name}`), /^hello from web-\S+, listening on 8080$/m);
  const following = k.follow(`logs -f ${name}`);
  await eventually("logs -f shows what is there", () => following.out().includes("listening on 8080"));
  await page(`http://${pod!.ip}:8080/?followed`);
  const before = following.out().length;
  await page(`http://${pod!.ip}:8080/`);
  await eventually("logs -f shows what comes", () => following.out().length > before);
  await following.stop();
  assert.match(await k.ok("api-resources"), /^deployments +deploy +apps\/v1 +true +Deployment$/m);
  assert.match(await k.ok("explain deployment.spec"), /replicas\s+<integer>/);
}

async function changes(k: Kubectl, { ready }: Cluster): Promise<void> {
  const watching = k.follow("get pods -w");
  await k.ok("scale deployment web --replicas=4");
  await ready(4);
  await k.ok("scale deployment web --replicas=3");
  const before = await ready(3);
  await eventually("get -w showed the fourth come and go", () => /web-\S+ +1\/1 +Terminating/.test(watching.out()));
  await watching.stop();

  await k.ok("set image deployment/web web=localhost/skerry-hello:2");
  assert.match(await k.ok("rollout status deployment/web --timeout=60s"), /successfully rolled out/);
  const rolled = await ready(3);
  assert.is(rolled.some(({ uid }) => before.some((pod) => pod.uid === uid)), false, "every pod is a new one");
  await k.ok("rollout undo deployment/web");
  assert.match(await k.ok("rollout status deployment/web --timeout=60s"), /successfully rolled out/);
  await ready(3);
  assert.is(await k.ok("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}"), "localhost/skerry-hello:1");

  const misspelt = readFileSync(example, "utf8").replace("readinessProbe:", "readynessProbe:");
  const { code, err } = await k.run("apply -f -", { input: misspelt });
  assert.is.not(code, 0);
  assert.match(err, /unknown field "spec\.template\.spec\.containers\[0\]\.readynessProbe"/);
}
