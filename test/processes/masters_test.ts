// Several masters as users run them: what one acknowledged all have, whoever dies; and masters come and go by command.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { eventually } from "../kit/eventually.ts";
import { command, masterProcess } from "../kit/master_process.ts";
import { freePort } from "../kit/free_port.ts";
import { leaderOf, membersOf, type PeeredMaster, startMasters } from "../kit/masters_process.ts";
import { suite } from "../kit/suite.ts";
import { killLeaders, leaderSummary } from "./leader_kill.ts";

const test = suite("several masters", { timeoutMs: 200_000 });
const path = "/api/v1/namespaces/default/configmaps";
const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { name } });

function memberCommand({ dataDir }: PeeredMaster, ...words: string[]): { status: number | null; out: string; err: string } {
  const [program, args] = command("master/main.ts", "member", ...words, "--data-dir", dataDir);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

test("writes survive the death of their leader, and go on", async () => {
  process.stdout.write(`measured: ${leaderSummary(await killLeaders(3))}\n`);
});

test("a dead master is replaced by a new one, which gets everything and then a vote", async () => {
  const masters = await startMasters(3);
  let fourth: PeeredMaster | undefined;
  try {
    const leader = await eventually("somebody leads", () => leaderOf(masters)), dead = masters.find((master) => master !== leader)!;
    const other = masters.find((master) => master !== leader && master !== dead)!; // it asks the leader for what only that one can do
    for (let at = 0; at < 20; at++) assert.is((await leader.client.ask("POST", path, { body: map(`before-${at}`) })).status, 201);
    await dead.kill();

    const address = `127.0.0.1:${await freePort()}`, file = `${leader.directory}/member.json`;
    const added = memberCommand(other, "add", "--address", address, "--out", file);
    assert.is(added.status, 0, added.err);
    const id = /Member (\d+) is a learner now/.exec(added.out)![1]!;
    const again = memberCommand(leader, "add", "--address", address, "--out", `${file}.again`);
    assert.is(again.status, 2);
    assert.match(again.err, `Cannot add a master at ${address}: member ${id} is there`);
    assert.not.ok(existsSync(`${file}.again`));
    const taken = memberCommand(leader, "add", "--address", "127.0.0.1:1", "--out", file);
    assert.equal([taken.status, (await membersOf(leader)).length], [2, 4]);
    assert.match(taken.err, /Cannot write .*Nothing has changed/);

    const made = await masterProcess({ args: ["--peer-listen", address, "--join", file] });
    fourth = Object.assign(made, { name: "m3", address });
    await fourth.start();
    await eventually("it has caught up", async () => (await membersOf(leader)).find((member) => String(member.id) === id)?.lag === 0);
    const listed = memberCommand(other, "list");
    assert.match(listed.out, new RegExp(`${id} +learner +${address} +0 +answers`));
    assert.is(memberCommand(other, "promote", id).status, 0);

    const old = (await membersOf(leader)).find((member) => member.address === dead.address)!;
    const removed = memberCommand(leader, "remove", String(old.id));
    assert.is(removed.status, 0, removed.err);
    assert.equal(
      (await membersOf(leader)).map((member) => member.address).sort(),
      [...masters.filter((one) => one !== dead), fourth].map((one) => one.address).sort(),
    );

    // It holds what was written before it came, takes writes, and its vote counts: with the leader gone, two are a majority.
    const { body } = await fourth.client.ask("GET", path);
    assert.is(body.items.filter(({ metadata }: { metadata: { name: string } }) => metadata.name.startsWith("before-")).length, 20);
    await leader.kill();
    const survivor = masters.find((master) => master !== leader && master !== dead)!;
    await eventually(
      "a write without the old leader",
      async () => (await fourth!.client.ask("POST", path, { body: map("after") })).status === 201,
    );
    assert.is((await survivor.client.ask("GET", `${path}/after`)).status, 200);

    // Who was removed is told so when it comes back, and changes nothing.
    dead.spawn();
    await eventually("it is refused", () => /removed/.test(dead.log()), { withinMs: 20_000 });
    assert.is((await survivor.client.ask("GET", `${path}/after`)).status, 200);
  } finally {
    await Promise.all([...masters, ...fourth ? [fourth] : []].map((master) => master.close()));
  }
});

test("what cannot be is refused with a reason", async () => {
  const alone = await masterProcess();
  try {
    await alone.start();
    const master = Object.assign(alone, { name: "alone", address: "" });
    const words = async (...args: string[]) => {
      const { status, err } = memberCommand(master, ...args);
      assert.is(status, 2, err);
      return err;
    };
    assert.match(await words("add"), "Where will it be?");
    assert.match(await words("add", "--address", "10.0.0.9:6444"), "cannot be reached by others. Start it with --peer-listen");
    assert.match(await words("promote", "7"), "Cannot promote member 7: there is no member of that id");
    assert.match(await words("remove"), "Which one?");
    const [{ id } = { id: 0 }] = await membersOf(alone);
    assert.match(await words("remove", String(id)), `Cannot remove member ${id}: it is the only one with a vote`);
    assert.match(await words("frobnicate"), "Unknown command: member frobnicate");
  } finally {
    await alone.close();
  }
  for (
    const [args, said] of [
      [["--initial-cluster", "a=1.2.3.4:1", "--name", "b", "--peer-listen", ":0"], "Cannot begin a cluster of several without"],
      [["--join", "/nowhere.json"], "Cannot join with /nowhere.json"],
      [["--initial-cluster", "nonsense"], "expected name=host:port"],
    ] as const
  ) {
    const master = await masterProcess({ args });
    try {
      await master.start().then(() => assert.unreachable("it started"), (error) => assert.match(error.message, said));
    } finally {
      await master.close();
    }
  }
});
