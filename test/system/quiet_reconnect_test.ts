// A reconnect with nothing new is one small exchange and moves nothing: after the link was lost, after kill -9 of the master, and under a later release of the
// master whose pods have one field more, with a default.
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import process from "node:process";
import { connect } from "node:tls";
import * as assert from "uvu/assert";
import type { AgentProcess } from "../kit/agent_process.ts";
import { type Cluster, type PodFacts, withCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectls } from "../kit/kubectl.ts";
import { root } from "../kit/master_process.ts";
import { nextRelease } from "../kit/next_release.ts";
import { page } from "../kit/page.ts";
import { noPodman } from "../kit/podman.ts";
import type { Relay } from "../kit/relay.ts";
import { suite } from "../kit/suite.ts";

const test = suite("quiet reconnect", { timeoutMs: 115_000, skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined) });
/** After the TLS handshake, both ways, MQTT's and TLS' own bytes included. */
const limitBytes = 1536;

test("a reconnect with nothing new costs 1.5 KB and asks Podman for nothing but looks", () =>
  withCluster(async (cluster) => {
    const { k, agent, master, ready } = cluster, link = cluster.link!;
    await k.ok(`apply -f ${root}/examples/02_web_deployment/web.yaml`);
    await ready(3);
    const { spec: { clusterIP } } = await k.json("get service web");
    await eventually("the service answers", () => page(`http://${clusterIP}/`));
    await agent.kill();
    await agent.startWatched(["--keepalive", "600"]); // a ping would be counted
    await connected(agent, 1);
    await quiet(link);
    const before = await ready(3), handshake = await handshakeBytes(cluster), set = storedSet(agent);

    const reconnect = async (what: string, number: number): Promise<void> => {
      await connected(agent, number);
      await quiet(link);
      const spent = link.newest().total - handshake;
      process.stdout.write(
        `measured: ${what}: ${spent} bytes after the handshake (${link.newest().up} up, ${link.newest().down} down with it, ${handshake} for it)\n`,
      );
      assert.equal(agent.podmanWrites(), [], `${what}: no call that writes`);
      assert.equal(storedSet(agent), set, `${what}: the same set, so an equal hash`);
      await same(cluster, before);
      assert.ok(spent <= limitBytes, `${what}: ${spent} bytes after the handshake`);
    };

    link.cut();
    await reconnect("link loss", 2);

    await master.kill();
    await master.start();
    await reconnect("kill -9 of the master", 3);

    const release = nextRelease({
      file: "shared/api/kinds/pod/pod_spec.ts",
      from: `  schedulerName: field(19, string, "Who finds it a node.", { default: "default-scheduler" }),\n`,
      to: `  schedulerName: field(19, string, "Who finds it a node.", { default: "default-scheduler" }),\n` +
        `  patience: field(4242, string, "New in this release.", { default: "much" }),\n`,
    });
    try {
      await master.stop();
      master.upgrade(release);
      await master.start();
      await reconnect("a master whose pods have one more field", 4);
      // It is there for what is made from now on.
      await k.ok("scale deployment web --replicas=4");
      const after = await ready(4), fresh = after.find(({ uid }) => !before.some((pod) => pod.uid === uid))!;
      assert.is((await k.json(`get pod ${fresh.name}`)).spec.patience, "much");
      for (const pod of before) assert.equal(after.find(({ uid }) => uid === pod.uid), pod);
    } finally {
      await master.kill();
      rmSync(release, { recursive: true });
    }
  }, { relayed: true }));

const connected = (agent: AgentProcess, times: number): Promise<unknown> =>
  eventually(
    `connected for the ${times}. time`,
    () => agent.lines().filter(({ message }) => message === "Connected to the master").length >= times,
    { withinMs: 60_000 },
  );

/** Nothing passes for three seconds. */
async function quiet(link: Relay): Promise<void> {
  let last = -1, sinceMs = performance.now();
  await eventually("quiet on the link", () => {
    const { total } = link.newest();
    if (total !== last) {
      last = total;
      sinceMs = performance.now();
    }
    return performance.now() - sinceMs > 3_000;
  });
}

/** What a TLS connection of this node costs before anything is said, tickets included. */
async function handshakeBytes({ agent, master, link }: Cluster): Promise<number> {
  const read = (name: string): string => readFileSync(`${agent.dataDir}/identity/${name}`, "utf8");
  const { masters } = JSON.parse(read("node.json")) as { masters: string[] }, { hostname } = new URL(masters[0]!);
  const socket = connect({
    host: hostname,
    port: master.mqttPort,
    key: read("node.key"),
    cert: read("node.crt"),
    ca: read("ca.crt"),
    checkServerIdentity: () => undefined,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { total } = link!.newest();
  socket.destroy();
  return total;
}

const storedSet = (agent: AgentProcess): Record<string, number> =>
  Object.fromEntries(
    readdirSync(`${agent.dataDir}/state`).filter((name) => name.startsWith("set-")).map((
      name,
    ) => [name, statSync(`${agent.dataDir}/state/${name}`).size]),
  );

async function same({ ready }: Cluster, before: readonly PodFacts[]): Promise<void> {
  assert.equal(await ready(before.length), before);
}
