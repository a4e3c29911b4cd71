// A real disk that fills up under a master that is written to, and is emptied again: writes are refused with a reason meanwhile, reads and containers go on, and nothing
// acknowledged is lost.
import process from "node:process";
import * as assert from "uvu/assert";
import { agentProcess } from "../kit/agent_process.ts";
import { createToken } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { type MasterProcess, masterProcess, runtime } from "../kit/master_process.ts";
import { leaderOf, startMasters } from "../kit/masters_process.ts";
import { noSmallDisk, type SmallDisk, smallDisk } from "../kit/small_disk.ts";
import { suite } from "../kit/suite.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";

const test = suite("a full disk", { timeoutMs: 180_000, skip: noSmallDisk });
const maps = "/api/v1/namespaces/default/configmaps", mebibytes = 96;
const long = "x".repeat(100_000);

/** Writes, one after the other, until told to stop, and notes what became of each. */
class Writer {
  readonly acknowledged = new Set<string>();
  /** Answers that were no success, and how many of each. */
  readonly refused = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  constructor(client: () => MasterProcess["client"], name: string) {
    this.#done = this.#run(client, name);
  }
  async #run(client: () => MasterProcess["client"], writer: string): Promise<void> {
    for (let count = 0; !this.#stop.signal.aborted; count++) {
      const name = `${writer}-${count}`, body = { metadata: { name }, data: { long } };
      const { status, body: said } = await client().ask("POST", maps, { body }).catch((error) => ({ status: 0, body: error }));
      if (status === 201) this.acknowledged.add(name);
      else {
        const what = `${status} ${said.message}`;
        this.refused.set(what, (this.refused.get(what) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;
async function allThere({ client }: MasterProcess, acknowledged: Iterable<string>): Promise<void> {
  const { body } = await client.ask("GET", maps),
    there = new Set(body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name));
  assert.equal([...acknowledged].filter((name) => !there.has(name)), []);
}

test("a single master refuses writes until there is room again, and loses nothing", async () => {
  const directory = testDirectory("disk");
  try {
    const disk = smallDisk(directory, "small", mebibytes), master = await masterProcess({ dataDir: `${disk.path}/data` });
    try {
      await master.start();
      const agent = agentProcess({ master: master.client.url, token: await createToken(master), runtime: "emulated" });
      try {
        await agent.start();
        await single(disk, master);
      } finally {
        await agent.close();
      }
    } catch (error) {
      (error as Error).message += `\nThe master's last lines:\n${master.log().slice(-4_000)}`;
      throw error;
    } finally {
      await master.close();
    }
  } finally {
    removeTestDirectory(directory);
  }
});

async function single(disk: SmallDisk, master: MasterProcess): Promise<void> {
  const ask = (method: string, path: string, body?: unknown) => master.client.ask(method, path, body === undefined ? {} : { body });
  const pods = "/api/v1/namespaces/default/pods";
  await ask("POST", pods, { metadata: { name: "one" }, spec: { containers: [{ name: "main", image: "registry.example/one:1" }] } });
  const pod = async () => (await ask("GET", `${pods}/one`)).body;
  await eventually("the container runs", async () => (await pod()).status.phase === "Running");

  const writers = ["a", "b"].map((name) => new Writer(() => master.client, name));
  await eventually("some writes", () => writers[0]!.acknowledged.size > 20);
  disk.fill();
  const refusal = /^507 Cannot write: the disk of the leading master is full\. Free space on it/;
  await eventually("a write is refused", () => [...writers[0]!.refused.keys()].some((what) => refusal.test(what)), { withinMs: 60_000 });

  // Reads, deletions, and containers.
  assert.is((await ask("GET", `${maps}/a-0`)).body.data.long, long);
  assert.is((await ask("DELETE", `${maps}/a-0`)).status, 200);
  for (const writer of writers) writer.acknowledged.delete("a-0");
  assert.is((await ask("GET", "/readyz")).status, 200);
  assert.match((await ask("GET", "/metrics")).body, "skerry_disk_full 1");
  assert.is((await ask("GET", "/skerry/v1/members")).body.members[0].diskFull, true);
  const { status } = await pod();
  assert.equal([status.phase, status.containerStatuses[0].restartCount], ["Running", 0]);

  await new Promise((resolve) => setTimeout(resolve, 5_000)); // it tries again meanwhile, and says nothing
  assert.is(count(master.log(), /"message":"The disk is full\./g), 1, master.log());
  const before = writers.map(({ acknowledged }) => acknowledged.size);
  disk.empty();
  await eventually("writes go on", () => writers.every(({ acknowledged }, at) => acknowledged.size > before[at]! + 5), {
    withinMs: 60_000,
  });
  for (const writer of writers) await writer.stop();
  assert.match((await ask("GET", "/metrics")).body, "skerry_disk_full 0");
  assert.is(count(master.log(), /"message":"The disk has room again/g), 1);
  const acknowledged = writers.flatMap((writer) => [...writer.acknowledged]);
  await allThere(master, acknowledged);

  // It starts on a full disk, too; and where not even its lock can be written, it says so.
  disk.fill();
  assert.is((await master.stop()).code, 0);
  await master.start();
  await allThere(master, acknowledged);
  disk.fill();
  await master.kill();
  master.spawn();
  assert.is(await master.ended(), 1);
  assert.match(master.log().trim().split("\n").at(-1)!, /^skerry-master: Cannot write .*\/data\/raft: the disk is full\. Free space there/);
  disk.empty();
  await master.start();
  await allThere(master, acknowledged);
  process.stdout.write(`measured: ${acknowledged.length} writes acknowledged, refused: ${JSON.stringify([...writers[0]!.refused])}\n`);
}

test("of three masters, one that has room leads", async () => {
  const directory = testDirectory("disk");
  try {
    const disks = [0, 1, 2].map((at) => smallDisk(directory, `small-${at}`, mebibytes));
    const masters = await startMasters(3, runtime, disks.map(({ path }) => `${path}/data`));
    try {
      const first = await eventually("somebody leads", () => leaderOf(masters)), disk = disks[masters.indexOf(first)]!;
      const writer = new Writer(() => first.client, "w");
      await eventually("some writes", () => writer.acknowledged.size > 20);
      disk.fill();
      const next = await eventually("another leads", async () => {
        const leader = await leaderOf(masters);
        return leader !== first && leader;
      }, { withinMs: 60_000 });
      const before = writer.acknowledged.size;
      await eventually("writes go on", () => writer.acknowledged.size > before + 20, { withinMs: 60_000 });
      disk.empty();
      await eventually("it has room again", () => /The disk has room again/.test(first.log()), { withinMs: 60_000 });
      await writer.stop();
      await eventually("it has caught up", async () => (await allThere(first, writer.acknowledged), true));
      await allThere(next, writer.acknowledged);
      process.stdout.write(`measured: ${writer.acknowledged.size} writes acknowledged, refused: ${JSON.stringify([...writer.refused])}\n`);
    } catch (error) {
      (error as Error).message += masters.map((master) => `\n${master.name}:\n${master.log().slice(-2_000)}`).join("");
      throw error;
    } finally {
      await Promise.all(masters.map((master) => master.close()));
    }
  } finally {
    removeTestDirectory(directory);
  }
});
