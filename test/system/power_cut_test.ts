// The power goes, and with it everything that was only in memory: processes, network namespaces, links, rules. The master is gone, too, and the board has no clock.
// What the agent has on disk must do.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import * as assert from "uvu/assert";
import type { AgentProcess } from "../kit/agent_process.ts";
import { withCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectls } from "../kit/kubectl.ts";
import { page } from "../kit/page.ts";
import { noPodman, processesNaming, withSbin } from "../kit/podman.ts";
import { suite } from "../kit/suite.ts";

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
  const { sandboxes } = await (await agent.podman()).observe(), leases = "/run/containers/networks/ipam.db";
  const store = `${agent.directory}/store`, namespaces = networkNamespaces(store, sandboxes.map(({ id }) => id));
  const processes = inhabitants(namespaces);
  assert.ok(processes.length >= 2 * pods, "each pod has a pause process and at least one of its own");
  const kept = mkdtempSync(`${tmpdir()}/skerry-leases-`);
  if (existsSync(leases)) copyFileSync(leases, `${kept}/ipam.db`);
  await agent.kill();
  // Monitors first: one that lives would write down how its container ended.
  for (const pid of [...processesNaming(`${agent.directory}/`), ...processes]) kill(pid);
  await eventually(
    "every process is gone",
    () => processesNaming(`${agent.directory}/`).length === 0 && processes.every((pid) => !existsSync(`/proc/${pid}`)),
  );
  const run = (...command: string[]) => spawnSync(command[0]!, command.slice(1), { env: withSbin() });
  for (const path of namespaces) {
    run("umount", "-l", path);
    rmSync(path, { force: true });
  }
  for (const link of [`${agent.bridge}-s0`, agent.bridge]) run("ip", "link", "delete", link);
  run("nft", "delete", "table", "inet", agent.table);
  const below = (path: string): boolean =>
    [`${store}/run/`, `${store}/tmp/`, `${store}/root/`, `${agent.runDir}/`].some((directory) => path.startsWith(directory));
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "").filter(below);
  for (const path of mounts.reverse()) run("umount", "-l", path);
  for (const directory of [`${store}/run`, `${store}/tmp`, agent.runDir]) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
  }
  if (existsSync(`${kept}/ipam.db`)) copyFileSync(`${kept}/ipam.db`, leases);
  rmSync(kept, { recursive: true });

  const memory = `${agent.dataDir}/state/pods.json`, content = JSON.parse(readFileSync(memory, "utf8"));
  assert.is(content.bootId, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), "the agent writes down in which boot it was");
  writeFileSync(memory, JSON.stringify({ ...content, bootId: "00000000-0000-4000-8000-000000000000" }));
}

/** Where Podman has bound the network namespaces of these sandboxes' infra containers. */
function networkNamespaces(store: string, sandboxIds: readonly string[]): string[] {
  assert.ok(sandboxIds.length > 0);
  const found = new Set<string>();
  const directory = `${store}/root/overlay-containers`;
  for (const id of readdirSync(directory).filter((name) => existsSync(`${directory}/${name}/userdata/config.json`))) {
    const text = readFileSync(`${directory}/${id}/userdata/config.json`, "utf8");
    for (const { type, path } of JSON.parse(text).linux?.namespaces ?? []) {
      if (type === "network" && path?.startsWith("/run/netns/")) found.add(path);
    }
  }
  return [...found];
}

/** Who lives in these network namespaces: the containers' processes, their children, and the pause processes, which Podman's list of containers leaves out. */
function inhabitants(namespaces: readonly string[]): number[] {
  const names = new Set(namespaces.map((path) => `net:[${statSync(path).ino}]`));
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return names.has(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      return false; // it has ended
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as { code?: string }).code !== "ESRCH") throw error;
  }
}
