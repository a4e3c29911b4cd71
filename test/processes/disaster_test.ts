// The worst days of a cluster, as its operator has them: all masters gone and a backup there; most masters gone for good and one left. Devices keep what they run, and
// clients see no time that runs backwards.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import * as assert from "uvu/assert";
import { type AgentProcess, agentProcess } from "../kit/agent_process.ts";
import type { ApiClient } from "../kit/api_client.ts";
import { createToken, type PodFacts, readyPods, run, withCluster } from "../kit/cluster_process.ts";
import { emulatedWeb } from "../kit/emulated_devices.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectls } from "../kit/kubectl.ts";
import { command, type MasterProcess, masterProcess } from "../kit/master_process.ts";
import { leaderOf, membersOf, type PeeredMaster, startMasters } from "../kit/masters_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("disaster", { timeoutMs: 200_000, skip: kubectls().length === 0 ? "no kubectl" : undefined });
const maps = "/api/v1/namespaces/default/configmaps", deployments = "/apis/apps/v1/namespaces/default/deployments";
const bump = 1_000_000_000;
const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { name } });

const skerry = (...words: string[]) => run(...command("master/main.ts", ...words));
async function done(...words: string[]): Promise<string> {
  const { code, out, err } = await skerry(...words);
  assert.is(code, 0, `${words.join(" ")}: ${err}`);
  return out + err;
}
async function refused(status: number, ...words: string[]): Promise<string> {
  const { code, out, err } = await skerry(...words);
  assert.is(code, status, `${words.join(" ")}: ${out}${err}`);
  return err;
}
async function created(client: ApiClient, path: string, body: unknown): Promise<number> {
  const answer = await client.ask("POST", path, { body });
  assert.is(answer.status, 201, JSON.stringify(answer.body));
  return Number(answer.body.metadata.resourceVersion);
}
async function scale(client: ApiClient, replicas: number): Promise<void> {
  const body = { spec: { replicas } };
  const { status } = await client.ask("PATCH", `${deployments}/web`, { body, type: "application/merge-patch+json" });
  assert.is(status, 200);
}
async function names(client: ApiClient): Promise<{ revision: number; names: string[] }> {
  const { status, body } = await client.ask("GET", maps);
  assert.is(status, 200, JSON.stringify(body));
  const found = body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  return { revision: Number(body.metadata.resourceVersion), names: found };
}
/** What a client hears that goes on with a watch where it was: the status of a refusal, or the kind of the first event. */
async function resumed(client: ApiClient, revision: number): Promise<number | string> {
  try {
    for await (const { type, object } of client.watch(`${maps}?watch=true&resourceVersion=${revision}`, AbortSignal.timeout(10_000))) {
      return type === "ERROR" ? object.code : type;
    }
  } catch (error) {
    const status = /answered with (\d+)/.exec((error as Error).message)?.[1];
    if (status === undefined) throw error;
    return Number(status);
  }
  return "nothing";
}
/** The set that a device has on its flash, as far as it names it. */
function storedSet({ dataDir }: AgentProcess): { epoch: string; gen: number } {
  const directory = `${dataDir}/state`;
  const files = readdirSync(directory).filter((name) => /^set-\d+\.log$/.test(name)).sort((a, b) =>
    parseInt(a.slice(4)) - parseInt(b.slice(4))
  );
  const all = [...readFileSync(`${directory}/${files.at(-1)}`, "latin1").matchAll(/\{"epoch":"(\w*)","gen":(\d+),/g)];
  return { epoch: all.at(-1)![1]!, gen: Number(all.at(-1)![2]) };
}
/** What the device has done to these pods since it was started, beyond making them. */
const ended = (agent: AgentProcess, pods: readonly PodFacts[]): unknown[] =>
  agent.lines().filter(({ message, pod, step }) =>
    /^Step (done|failed)$/.test(String(message)) && !/^(pull|create|start)/.test(String(step)) &&
    pods.some(({ name }) => pod === `default/${name}`)
  );
const connections = (agent: AgentProcess): number => agent.lines().filter(({ message }) => message === "Connected to the master").length;
const byName = (pods: readonly PodFacts[]): PodFacts[] => pods.toSorted((a, b) => a.name < b.name ? -1 : 1);
/** Of all pods there now, those that were there before: the same containers, never started again. */
function sameAs(before: readonly PodFacts[], now: readonly PodFacts[]): void {
  assert.equal(byName(now.filter(({ uid }) => before.some((pod) => pod.uid === uid))), byName(before));
}

test("a backup taken under writes is restored: clients begin anew, devices keep what runs, and all go on from there", () =>
  withCluster(async ({ master, agent, ready, k }) => {
    const { client } = master, file = `${master.directory}/monday.snap`;
    await created(client, deployments, emulatedWeb(3));
    const before = await ready(3);
    const acknowledged: string[] = [], stop = new AbortController();
    const writers = ["a", "b"].map(async (who) => {
      for (let at = 0; !stop.signal.aborted; at++) {
        await created(client, maps, map(`${who}-${at}`));
        acknowledged.push(`${who}-${at}`);
      }
    });
    await eventually("some writes", () => acknowledged.length > 40);
    const mustBeThere = [...acknowledged];
    const said = await done("snapshot", "save", file, "--data-dir", master.dataDir);
    assert.match(said, /is whole\n {2}cluster +[0-9a-f]{32}\n/);
    assert.match(said, "keep .*pki/ca.crt and ca.key with it".replace(".*", `${master.dataDir}/`));
    assert.is(statSync(file).mode & 0o777, 0o600);
    stop.abort();
    await Promise.all(writers);
    const again = await done("snapshot", "verify", file), revision = Number(/revision +(\d+)/.exec(again)![1]);
    assert.match(again, /entries +\d+ \(term 1\)\n[^]*objects +\d+/);

    // What the backup does not know of.
    const lost = await created(client, maps, map("after-the-backup"));
    await scale(client, 4);
    const fourth = (await ready(4)).find(({ uid }) => !before.some((pod) => pod.uid === uid))!;
    const had = storedSet(agent);
    await master.kill();

    renameSync(master.dataDir, `${master.dataDir}.lost`);
    const restored = await done("snapshot", "restore", file, "--data-dir", master.dataDir);
    assert.match(restored, `put ca.crt and ca.key of the old cluster into ${master.dataDir}/pki`);
    assert.match(
      await refused(2, "snapshot", "restore", file, "--data-dir", master.dataDir),
      "there is a store, and none is ever overwritten",
    );
    mkdirSync(`${master.dataDir}/pki`);
    for (const name of ["ca.crt", "ca.key"]) cpSync(`${master.dataDir}.lost/pki/${name}`, `${master.dataDir}/pki/${name}`);
    const met = connections(agent);
    await master.start();

    // Clients: what was saved is there, at a revision that nobody has seen; whoever goes on from the old life is told to begin anew.
    const { client: anew } = master, now = await names(anew);
    assert.equal(mustBeThere.filter((name) => !now.names.includes(name)), []);
    assert.not(now.names.includes("after-the-backup"));
    assert.ok(now.revision >= revision + bump, `${now.revision}`);
    assert.match(await k.ok("get deployment web"), /web +\d\/3 /);
    for (const from of [1, revision, lost, lost + 1_000, revision + bump - 1]) assert.is(await resumed(anew, from), 410, `from ${from}`);

    // The device: nothing that the backup knows of was touched; it has its set from the new life, and what only the old one knew goes.
    await eventually("the device is back", () => connections(agent) > met, { withinMs: 60_000 });
    await eventually("it has a set of the new life", () => storedSet(agent).epoch !== had.epoch);
    assert.ok(storedSet(agent).gen > Math.max(had.gen, bump), `gen ${storedSet(agent).gen} after ${had.gen}`);
    sameAs(before, await ready(3));
    await eventually("the pod that is nobody's any more is gone", () => ended(agent, [fourth]).length > 0);
    await scale(anew, 6);
    sameAs(before, await ready(6));
    assert.equal(ended(agent, before), []);
    assert.ok(await created(anew, maps, map("a-new-day")) > now.revision);
    assert.is(await resumed(anew, now.revision), "ADDED", "and watches go on");
  }, { agent: { runtime: "emulated" } }));

test("one master of three is left, goes on alone by command, and the others are locked out until they join again", async () => {
  const masters = await startMasters(3);
  let agent: AgentProcess | undefined, back: MasterProcess | undefined;
  try {
    const leader = await eventually("somebody leads", () => leaderOf(masters)), left = masters.find((master) => master !== leader)!;
    const lost = masters.filter((master) => master !== left) as [PeeredMaster, PeeredMaster];
    agent = agentProcess({ master: left.client.url, token: await createToken(leader), runtime: "emulated" });
    await agent.start();
    await created(leader.client, deployments, emulatedWeb(3));
    const before = await readyPods(left, 3);
    for (let at = 0; at < 20; at++) await created(leader.client, maps, map(`before-${at}`));
    const { revision } = await names(left.client),
      had = storedSet(agent),
      force = ["member", "force-new-cluster", "--data-dir", left.dataDir];
    assert.match(await refused(2, ...force), "a master uses it");

    await left.stop();
    const living = await refused(2, ...force);
    for (const { address } of lost) assert.match(living, new RegExp(`member \\d+ answers at ${address}`));
    assert.match(living, "If they are gone for good, stop them and say --yes");
    for (const master of lost) await master.kill();

    const met = connections(agent), said = await done(...force);
    assert.match(said, /goes on with this master alone: epoch [0-9a-f]{16}/);
    const kept = /What was there before is in (\S+)/.exec(said)![1]!;
    assert.ok(existsSync(`${kept}/wal`) && kept.startsWith(`${left.dataDir}/raft.of-epoch-`), kept);
    await left.start();

    const now = await names(left.client);
    assert.is(now.names.filter((name) => name.startsWith("before-")).length, 20);
    assert.ok(now.revision >= revision + bump);
    assert.is(await resumed(left.client, revision), 410);
    assert.equal((await membersOf(left)).map(({ role, address }) => [role, address]), [["leader", left.address]]);
    await eventually("the device is back", () => connections(agent!) > met, { withinMs: 60_000 });
    await eventually("it has a set of the new life", () => storedSet(agent!).epoch !== had.epoch);
    assert.ok(storedSet(agent).gen > had.gen);
    await scale(left.client, 5);
    sameAs(before, await readyPods(left, 5));
    assert.equal(ended(agent, before), []);

    // Who comes back with what it had is of the old life, says so, and changes nothing. (Two of them would be a majority of that life: nobody can keep them from it.)
    const [first] = lost;
    first.spawn();
    await eventually(
      "it says so",
      () => /"A member is called and refuses".*"member":\d+.*of epoch [0-9a-f]{16} of this cluster answers there/.test(first.log()),
    );
    await first.kill();
    assert.equal((await membersOf(left)).length, 1);

    // With an empty directory, at the address that it had, it is a learner, and then one of two.
    const { port } = new URL(`tcp://${first.address}`), file = `${left.directory}/member.json`;
    rmSync(first.dataDir, { recursive: true });
    await done("member", "add", "--address", first.address, "--out", file, "--data-dir", left.dataDir);
    back = await masterProcess({ args: ["--peer-listen", `127.0.0.1:${port}`, "--join", file] });
    await back.start();
    const { id } = (await membersOf(left)).find(({ address }) => address === first.address)!;
    await eventually("it has caught up", async () => (await membersOf(left)).find((member) => member.id === id)?.lag === 0);
    await done("member", "promote", String(id), "--data-dir", left.dataDir);
    await created(left.client, maps, map("of-two"));
    assert.ok((await names(back.client)).names.includes("of-two"));
    // A backup from one that does not lead.
    const copy = `${left.directory}/follower.snap`;
    await done("snapshot", "save", copy, "--data-dir", back.dataDir);
    assert.match(await done("snapshot", "verify", copy), "masters   2");
  } catch (error) {
    if (error instanceof Error) error.message += masters.map((master) => `\n${master.name}:\n${master.log().slice(-2_000)}`).join("");
    throw error;
  } finally {
    await agent?.close();
    await Promise.all([...masters, ...back ? [back] : []].map((master) => master.close()));
  }
});

test("a master that has lost its disk comes back at its address, and has its vote again without anybody waiting for it", async () => {
  const masters = await startMasters(3);
  let back: MasterProcess | undefined;
  try {
    const leader = await eventually("somebody leads", () => leaderOf(masters)), wiped = masters.find((master) => master !== leader)!;
    for (let at = 0; at < 20; at++) await created(leader.client, maps, map(`before-${at}`));
    const old = (await membersOf(leader)).find(({ address }) => address === wiped.address)!.id;
    await wiped.kill();
    rmSync(wiped.dataDir, { recursive: true });

    const file = `${leader.directory}/member.json`,
      add = ["member", "add", "--address", wiped.address, "--out", file, "--data-dir", leader.dataDir];
    assert.match(await refused(2, ...add), `replace it (--replaces ${old})`);
    assert.match(await refused(2, ...add, "--replaces", "7"), "Cannot replace member 7: there is no voter of that id");
    const said = await done(...add, "--replaces", String(old)), id = Number(/Member (\d+) is a learner now/.exec(said)![1]);
    assert.match(said, `it takes the place of member ${old}; nothing is left to do`);
    assert.match(await done("member", "list", "--data-dir", leader.dataDir), new RegExp(`${id} +learner .*, to replace ${old}`));
    // Whoever leads sees to it, not the one that was asked.
    const other = masters.find((master) => master !== leader && master !== wiped)!;
    await leader.stop();
    await leader.start();

    back = await masterProcess({ args: ["--peer-listen", wiped.address, "--join", file] });
    await back.start();
    await eventually("it has the place of the other", async () => {
      const members = await membersOf(other);
      assert.equal(members.map((member) => member.id === id || member.id !== old && member.role !== "learner"), [true, true, true]);
      return members.every(({ role }) => role !== "learner");
    }, { withinMs: 60_000 });
    await other.kill();
    await eventually("its vote counts", async () => await created(leader.client, maps, map("of-two")) > 0, { withinMs: 30_000 });
    assert.is((await names(back.client)).names.length, 22); // and kube-root-ca.crt
  } finally {
    await Promise.all([...masters, ...back ? [back] : []].map((master) => master.close()));
  }
});
