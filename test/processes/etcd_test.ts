// Masters whose state is in a real etcd of three members: what users do, and what dies under them.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import type { WatchedEvent } from "../kit/api_client.ts";
import { createToken } from "../kit/cluster_process.ts";
import { emulatedDevices, emulatedWeb } from "../kit/emulated_devices.ts";
import { copyAuthority, etcdArgs, etcdLeaderOf, startEtcdMasters } from "../kit/etcd_masters.ts";
import { noEtcd, startEtcd } from "../kit/etcd_process.ts";
import { eventually, pause } from "../kit/eventually.ts";
import { command, type MasterProcess, masterProcess } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("masters on etcd", { timeoutMs: 170_000, skip: noEtcd });
const maps = "/api/v1/namespaces/default/configmaps", deployments = "/apis/apps/v1/namespaces/default/deployments";
const map = (name: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels: { "written-by": "test" } },
  data: { name },
});

const running = (master: MasterProcess, count: number) => async (): Promise<boolean> => {
  const { status, body } = await master.client.ask("GET", "/api/v1/namespaces/default/pods", { timeoutMs: 10_000 });
  assert.is(status, 200, JSON.stringify(body));
  const up = body.items.filter((pod: { status: { phase: string } }) => pod.status.phase === "Running").length;
  return up === count || Promise.reject(new Error(`${up} of ${count} run`));
};

/** Creates ConfigMaps at whichever of the masters answers. */
class Writer {
  readonly acknowledged = new Map<string, string>();
  readonly refused = new Set<string>();
  problem = "";
  #stopped = false;
  async run(name: string, masters: readonly MasterProcess[]): Promise<void> {
    for (let at = 0; !this.#stopped && this.problem === ""; at++) {
      const { client } = masters[at % masters.length]!, object = map(`${name}-${at}`);
      try {
        const { status, body } = await client.ask("POST", maps, { body: object, timeoutMs: 15_000 });
        if (status === 201) this.acknowledged.set(object.metadata.name, body.metadata.resourceVersion);
        else if (status === 503) this.refused.add(object.metadata.name);
        else if (status !== 504 && status !== 429) this.problem = `${status} ${JSON.stringify(body)}`;
      } catch {
        await pause(50); // nobody can say whether it was made
      }
    }
  }
  stop(): void {
    this.#stopped = true;
  }
}

test("pods run, a member of etcd dies under writers, the leading master dies: nothing acknowledged is lost, no watch has a gap", async () => {
  const etcd = await startEtcd(3), masters = await startEtcdMasters(etcd, 2), stop = new AbortController();
  const leader = await eventually("somebody leads", () => etcdLeaderOf(etcd, masters)), survivor = masters.find((one) => one !== leader)!;
  const devices = emulatedDevices({ master: leader.client.url, token: await createToken(leader), count: 3 });
  try {
    assert.is((await survivor.client.ask("POST", deployments, { body: emulatedWeb(4) })).status, 201);
    await eventually("its pods run", running(survivor, 4), { withinMs: 60_000 });

    const { body: { metadata: { resourceVersion: from } } } = await survivor.client.ask("GET", maps);
    const seen: WatchedEvent[] = [], selector = "labelSelector=written-by%3Dtest&allowWatchBookmarks=true";
    const watching = (async () => {
      for await (const event of survivor.client.watch(`${maps}?watch=true&resourceVersion=${from}&${selector}`, stop.signal)) {
        seen.push(event);
      }
    })().catch((error) => {
      if (!stop.signal.aborted) throw error;
    });
    const writers = [0, 1, 2].map(() => new Writer());
    const writing = writers.map((writer, at) => writer.run(`w${at}`, at % 2 ? masters : masters.toReversed()));
    const acknowledged = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged.size, 0);
    for (const member of [0, 2]) {
      await pause(1_000);
      await etcd.kill(member);
      await pause(2_000);
      await etcd.start(member);
      const count = acknowledged();
      await eventually("writes go on", () => acknowledged() > count + 10);
    }

    const killed = performance.now();
    await leader.kill();
    await eventually("the other leads", async () => (await etcdLeaderOf(etcd, masters)) === survivor);
    const tookMs = performance.now() - killed;
    const patched = await survivor.client.ask("PATCH", `${deployments}/web`, {
      body: { spec: { replicas: 7 } },
      type: "application/merge-patch+json",
    });
    assert.is(patched.status, 200, JSON.stringify(patched.body));
    await eventually("more pods run, on devices that were the other's", running(survivor, 7), { withinMs: 60_000 });
    for (const writer of writers) writer.stop();
    await Promise.all(writing);
    assert.equal(writers.map(({ problem }) => problem).filter((problem) => problem !== ""), []);

    const { body: { items } } = await survivor.client.ask("GET", `${maps}?${selector}`);
    const there = new Map<string, string>(items.map(({ metadata }: WatchedEvent["object"]) => [metadata.name, metadata.resourceVersion]));
    for (const writer of writers) {
      for (const [name, version] of writer.acknowledged) assert.is(there.get(name), version, `${name} was acknowledged`);
      for (const name of writer.refused) assert.not(there.has(name), `${name} was refused`);
    }
    const added = (): WatchedEvent[] => seen.filter(({ type }) => type !== "BOOKMARK");
    await eventually("the watch has told of all", () => added().length >= there.size);
    stop.abort();
    await watching;
    const versions = added().map(({ object }) => Number(object.metadata.resourceVersion));
    assert.equal(versions, [...there.values()].map(Number).sort((a, b) => a - b), "each once, in order");
    process.stdout.write(
      `measured: ${acknowledged()} writes acknowledged; another master leads ${(tookMs / 1000).toFixed(1)} s after the leader's death\n`,
    );

    await leader.start();
    await eventually("it serves again", running(leader, 7));
    const handed = performance.now();
    assert.is((await survivor.stop()).code, 0);
    await eventually("who stops hands over", async () => (await etcdLeaderOf(etcd, masters)) === leader);
    assert.ok(performance.now() - handed < 8_000, "before a lease would have ended");
  } catch (error) {
    if (error instanceof Error) {
      error.message += `\nThe masters' last lines:\n${masters.map((master) => master.log().slice(-3_000)).join("\n")}`;
    }
    throw error;
  } finally {
    stop.abort();
    await devices.stop();
    await Promise.all(masters.map((master) => master.close()));
    await etcd.close();
  }
});

test("what cannot be is refused with a reason", async () => {
  const etcd = await startEtcd(1), [first] = await startEtcdMasters(etcd, 1), made: MasterProcess[] = [];
  const said = async (args: string[], prepare: (master: MasterProcess) => void = () => {}): Promise<string> => {
    const master = await masterProcess({ args });
    made.push(master);
    prepare(master);
    return await master.start().then(() => assert.unreachable("it started"), (error) => error.message);
  };
  try {
    const [url = ""] = etcd.urls, { ca, cert, key } = etcd.files, { hostname, port } = new URL(url);
    const other = `${etcd.directory}/other.crt`;
    writeFileSync(
      other,
      await import("../../master/pki/authority.ts").then(async ({ Authority }) => (await Authority.create("other")).authority.certificate),
    );
    assert.match(await said(["--etcd", "10.0.0.1:2379"]), "expected https://host:port");
    assert.match(await said(["--etcd-ca", ca]), "Cannot use --etcd-ca without --etcd");
    assert.match(await said(["--etcd", url, "--etcd-cert", cert]), "Cannot use one of --etcd-cert and --etcd-key without the other");
    assert.match(await said(["--etcd", url, "--etcd-ca", "/nowhere.crt"]), "Cannot read --etcd-ca /nowhere.crt");
    assert.match(await said(["--etcd", url, "--peer-listen", "127.0.0.1:0"]), "Cannot use --peer-listen with --etcd");
    assert.match(await said(["--etcd", "https://127.0.0.1:1"]), "Cannot reach etcd. https://127.0.0.1:1: connect ECONNREFUSED");
    assert.match(
      await said(["--etcd", url, "--etcd-ca", other, "--etcd-cert", cert, "--etcd-key", key]),
      "is not of the authority in --etcd-ca",
    );
    assert.match(await said(["--etcd", url, "--etcd-ca", ca]), "--etcd-cert, --etcd-key");
    assert.match(await said(["--etcd", `https://${hostname.replace(".0.1", ".0.2")}:${port}`, "--etcd-ca", ca]), "Cannot reach etcd");
    assert.match(await said(etcdArgs(etcd)), "Cannot use --etcd-prefix /skerry: it holds the cluster of another CA");
    assert.match(
      await said(etcdArgs(etcd), (master) => mkdirSync(`${master.dataDir}/raft`, { recursive: true })),
      "it holds the state of a cluster itself",
    );
    assert.match(await said([], (master) => mkdirSync(`${master.dataDir}/etcd`, { recursive: true })), "without --etcd");

    // Another cluster in the same etcd; and the same master once more, while it runs.
    const neighbour = await masterProcess({ args: [...etcdArgs(etcd), "--etcd-prefix", "/neighbour"] });
    made.push(neighbour);
    await neighbour.start();
    assert.is((await neighbour.client.ask("POST", maps, { body: map("mine") })).status, 201);
    assert.is((await first!.client.ask("GET", `${maps}/mine`)).status, 404);
    const twin = await masterProcess({ args: etcdArgs(etcd), dataDir: first!.dataDir });
    made.push(twin);
    assert.match(await twin.start().then(() => assert.unreachable("it started"), (error) => error.message), "stop that process first");

    for (
      const [words, sentence] of [[["member", "list"], "etcdctl member"], [
        ["snapshot", "save", `${etcd.directory}/x`],
        "etcdctl snapshot save",
      ]] as const
    ) {
      const [program, args] = command("master/main.ts", ...words, "--data-dir", first!.dataDir);
      const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
      assert.ok(status !== 0);
      assert.match(stderr, sentence);
    }
    const joined = await masterProcess({ args: etcdArgs(etcd) });
    made.push(joined);
    copyAuthority(first!, joined);
    await joined.start();
    assert.is((await joined.client.ask("GET", "/api/v1/namespaces/default")).status, 200);
  } finally {
    await Promise.all([first!, ...made].map((master) => master.close()));
    await etcd.close();
  }
});
