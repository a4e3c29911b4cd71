// Devices and several masters: they spread, any master knows and reaches all of them, and when one dies its devices go to the others, and nobody hears of it.
import process from "node:process";
import * as assert from "uvu/assert";
import { createToken } from "../kit/cluster_process.ts";
import { emulatedDevices } from "../kit/emulated_devices.ts";
import { eventually } from "../kit/eventually.ts";
import { leaderOf, type PeeredMaster, startMasters } from "../kit/masters_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("roaming devices", { timeoutMs: 170_000 });
const count = 12;
const watcher = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "watcher" },
  spec: {
    selector: { matchLabels: { app: "watcher" } },
    template: { metadata: { labels: { app: "watcher" } }, spec: { containers: [{ name: "main", image: "registry.example/watcher:1" }] } },
  },
};

interface Link {
  readonly metadata: { readonly name: string };
  readonly connected: boolean;
  readonly bytesIn: number;
}
// deno-lint-ignore no-explicit-any
async function items({ client }: PeeredMaster, path: string): Promise<any[]> {
  const { status, body } = await client.ask("GET", path, { timeoutMs: 5_000 });
  assert.is(status, 200, JSON.stringify(body));
  return body.items;
}
const links = (master: PeeredMaster): Promise<Link[]> => items(master, "/apis/fleet.skerry.dev/v1alpha1/nodelinks");
/** Only who has a session knows how much has flown over it. */
const own = async (master: PeeredMaster): Promise<Link[]> =>
  (await links(master)).filter(({ connected, bytesIn }) => connected && bytesIn > 0);
/** Of every node, whether it is Ready and since when. */
async function readiness(master: PeeredMaster): Promise<string[]> {
  const nodes = await items(master, "/api/v1/nodes");
  return nodes.map(({ metadata, status }) => {
    const ready = status?.conditions?.find(({ type }: { type: string }) => type === "Ready");
    return `${metadata.name} ${ready?.status} ${ready?.lastTransitionTime}`;
  });
}
const allConnected = (master: PeeredMaster) => async (): Promise<boolean> => {
  const connected = (await links(master)).filter((link) => link.connected).length;
  return connected === count || Promise.reject(new Error(`${connected} of ${count} are connected`));
};

test("a master's devices go to the others when it dies; any master reaches all of them", async () => {
  const masters = await startMasters(3);
  const leader = await eventually("somebody leads", () => leaderOf(masters));
  const devices = emulatedDevices({ master: masters[0]!.client.url, token: await createToken(leader), count });
  try {
    await eventually(
      "all nodes are Ready",
      async () => (await readiness(leader)).filter((line) => / True /.test(line)).length === count,
      { withinMs: 40_000 },
    );
    for (const master of masters) await eventually("it knows of all sessions", allConnected(master));
    const shares = await Promise.all(masters.map(async (master) => (await own(master)).length));
    assert.is(shares.reduce((sum, one) => sum + one), count);
    assert.ok(shares.filter((share) => share > 0).length >= 2, `they all went to one: ${shares}`);

    // Logs come through whoever has the node.
    assert.is((await leader.client.ask("POST", "/apis/apps/v1/namespaces/default/daemonsets", { body: watcher })).status, 201);
    const pods = await eventually("a pod runs on each", async () => {
      const found = await items(leader, "/api/v1/namespaces/default/pods");
      return found.filter(({ status }) => status.phase === "Running").length === count && found;
    }, { withinMs: 30_000 });
    for (const { metadata: { name } } of pods) {
      const said = await Promise.all(masters.map(({ client }) => client.ask("GET", `/api/v1/namespaces/default/pods/${name}/log`)));
      assert.equal(said.map(({ status }) => status), [200, 200, 200], JSON.stringify(said.map(({ body }) => body)));
    }

    const shareOf = (master: PeeredMaster): number => shares[masters.indexOf(master)]!;
    // One that does not lead dies, with devices that are connected to it.
    const before = await readiness(leader),
      dead = masters.filter((master) => master !== leader).sort((a, b) => shareOf(b) - shareOf(a))[0]!;
    const from = performance.now(), lost = shareOf(dead);
    await dead.kill();
    await eventually("its devices are elsewhere", async () => {
      const there = await Promise.all(masters.filter((master) => master !== dead).map(own));
      return there.flat().length === count;
    }, { withinMs: 60_000 });
    process.stdout.write(
      `measured: ${count} devices over three masters as ${shares}; ${lost} of a dead one elsewhere after ${
        ((performance.now() - from) / 1000).toFixed(1)
      } s\n`,
    );
    assert.equal(await readiness(leader), before, "no node was said to be anything but Ready");

    // The leader dies too: who is left can write nothing and sends the devices away. With a majority again all is well.
    const last = masters.find((master) => master !== leader && master !== dead)!;
    await leader.kill();
    await eventually("it has sent them away", async () => (await own(last)).length === 0, { withinMs: 30_000 });
    await dead.start();
    await eventually("all are back", allConnected(last), { withinMs: 60_000 });
    await eventually("and Ready", async () => (await readiness(last)).every((line) => / True /.test(line)), { withinMs: 20_000 });
  } catch (error) {
    if (error instanceof Error) error.message += `\nThe devices' last lines:\n${devices.log()}`;
    throw error;
  } finally {
    await devices.stop();
    await Promise.all(masters.map((master) => master.close()));
  }
});
