// The power goes, and with it everything that was only in memory: processes, network namespaces, links, rules. The master is gone, too, and the board has no clock.
// What the agent has on disk must do.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { forgetContainers, inhabitants, kill, networkNamespaces, unmountBelow } from "../../shared/platform/podman_leftovers.ts";
import { runToEnd } from "../../shared/platform/process.ts";
import type { AgentProcess } from "../kit/agent_process.ts";
import { withCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectls } from "../kit/kubectl.ts";
import { page } from "../kit/page.ts";
import { noPodman, processesNaming } from "../kit/podman.ts";
import { suite } from "../kit/suite.ts";
import { testDirectory } from "../kit/test_directory.ts";

const test = suite("power cut", { timeoutMs: 115_000, skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined) });
const services = 3, pods = 10;

/** Ten pods behind three services; one with a ConfigMap and a Secret. */
const manifest = Array.from({ length: services }, (_, index) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: app-${index}}
data: {MESSAGE: app ${index}}
---
apiVersion: v1
kind: Secret
metadata: {name: app-${index}}
stringData: {key: oyster}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-${index}}
spec:
  replicas: ${index === 0 ? pods - 3 * (services - 1) : 3}
  selector: {matchLabels: {app: app-${index}}}
  template:
    metadata: {labels: {app: app-${index}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: localhost/skerry-hello:1
        envFrom: [{configMapRef: {name: app-${index}}}]
        volumeMounts: [{name: secret, mountPath: /secret}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
      volumes: [{name: secret, secret: {secretName: app-${index}}}]
---
apiVersion: v1
kind: Service
metadata: {name: app-${index}}
spec:
  selector: {app: app-${index}}
  ports: [{port: 80, targetPort: 8080}]
`).join("---");

test("after a power cut, with no master and in 1970, every pod and every service comes back from disk alone", () =>
  withCluster(async ({ k, agent, master, ready }) => {
    await k.ok("apply -f -", { input: manifest });
    const before = await ready(pods);
    const addresses = await Promise.all(
      Array.from({ length: services }, async (_, index) => (await k.json(`get service app-${index}`)).spec.clusterIP as string),
    );
    const answers = (): Promise<string[]> => Promise.all(addresses.map((address) => page(`http://${address}/`)));
    await eventually("all services answer", answers);

    await master.kill();
    await cutPower(agent);
    assert.is(await answers().then(() => "answered", () => "silent"), "silent");

    const from = performance.now();
    await agent.start([`--clock-offset=${-Date.now()}`]);
    await eventually("all services answer", answers, { withinMs: 60_000 });
    const servicesMs = performance.now() - from;
    const running = await eventually("all containers run", async () => {
      const { containers } = await (await agent.podman()).observe(), up = containers.filter(({ state }) => state === "running");
      assert.is(up.length, pods);
      return up;
    });
    await eventually("all pods answer behind their services", () => everyPodAnswers(addresses, before.map(({ name }) => name)));
    process.stdout.write(
      `measured: services after ${(servicesMs / 1000).toFixed(1)} s, ${pods} of ${pods} pods after ${
        ((performance.now() - from) / 1000).toFixed(1)
      } s\n`,
    );
    assert.equal(new Set(running.map(({ podUid }) => podUid)), new Set(before.map(({ uid }) => uid)));
    assert.is(running.some(({ id }) => before.some(({ containerIds }) => containerIds.includes(id))), false, "they are new ones");

    await master.start();
    await eventually("it is connected again", () => agent.lines().some(({ message }) => message === "Connected to the master"), {
      withinMs: 60_000,
    });
    const after = await eventually("the master shows what runs now", async () => {
      const now = await ready(pods), ids = new Set(running.map(({ id }) => id));
      return now.every(({ containerIds }) => containerIds.every((id) => ids.has(id.replace(/^.*:\/\//, "")))) && now;
    });
    assert.equal(
      after.map(({ uid, restarts }) => [uid, restarts]),
      before.map(({ uid }) => [uid, 1]),
      "the same pods, each started once more",
    );
    await new Promise((resolve) => setTimeout(resolve, 3_000)); // time in which it could do harm
    assert.equal(await ready(pods), after);
    const { containers } = await (await agent.podman()).observe();
    assert.equal(new Set(containers.filter(({ state }) => state === "running").map(({ id }) => id)), new Set(running.map(({ id }) => id)));
    await answers();
  }));

async function everyPodAnswers(addresses: readonly string[], names: readonly string[]): Promise<boolean> {
  const answered = new Set<string>();
  for (let round = 0; round < 60 && answered.size < names.length; round++) {
    for (const address of addresses) answered.add((await page(`http://${address}/`)).trim().split(" ").at(-1)!);
  }
  assert.equal([...answered].sort(), [...names].sort());
  return true;
}

/** What a power cut takes: everything but the disk. The leases of addresses lie on /run, which is a disk here; they stay. */
async function cutPower(agent: AgentProcess): Promise<void> {
  const leases = "/run/containers/networks/ipam.db";
  const store = `${agent.directory}/store`, namespaces = networkNamespaces(`${store}/root`);
  const processes = inhabitants(namespaces);
  assert.ok(processes.length >= 2 * pods, "each pod has a pause process and at least one of its own");
  const kept = testDirectory("leases");
  if (existsSync(leases)) copyFileSync(leases, `${kept}/ipam.db`);
  await agent.kill();
  // Monitors first: one that lives would write down how its container ended.
  for (const pid of [...processesNaming(`${agent.directory}/`), ...processes]) kill(pid);
  await eventually(
    "every process is gone",
    () => processesNaming(`${agent.directory}/`).length === 0 && processes.every((pid) => !existsSync(`/proc/${pid}`)),
  );
  for (const path of namespaces) {
    runToEnd("umount", "-l", path);
    rmSync(path, { force: true });
  }
  for (const link of [`${agent.bridge}-s0`, agent.bridge]) runToEnd("ip", "link", "delete", link);
  runToEnd("nft", "delete", "table", "inet", agent.table);
  for (const part of [`${store}/run/`, `${store}/tmp/`, `${store}/root/`, `${agent.runDir}/`]) unmountBelow(part);
  for (const directory of [`${store}/run`, `${store}/tmp`, agent.runDir]) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
  }
  forgetContainers(`${store}/root`);
  if (existsSync(`${kept}/ipam.db`)) copyFileSync(`${kept}/ipam.db`, leases);

  const memory = `${agent.dataDir}/state/pods.json`, content = JSON.parse(readFileSync(memory, "utf8"));
  assert.is(content.bootId, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), "the agent writes down in which boot it was");
  writeFileSync(memory, JSON.stringify({ ...content, bootId: "00000000-0000-4000-8000-000000000000" }));
}
