// Replicas of one cluster in one process: real logs and snapshots on disks in memory, and a transport that is an array.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import { Members } from "../../../master/store/members.ts";
import type { Message, SnapshotMeta } from "../../../master/store/raft/message.ts";
import type { Replica } from "../../../master/store/replica.ts";
import { startReplica } from "../../../master/store/replica_start.ts";
import { HandCrankedClock, seeded } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { CrashFiles } from "../../kit/crash_files.ts";
import { ListMachine } from "../../kit/list_machine.ts";
import { suite } from "../../kit/suite.ts";

interface Member {
  id: number;
  files: CrashFiles;
  machine: ListMachine;
  replica: Replica;
}

class Cluster {
  readonly clock = new HandCrankedClock();
  readonly members = new Map<number, Member>();

  async start(files: CrashFiles, join?: { of: Member; id: number }): Promise<Member> {
    const machine = new ListMachine(), seed = 1 + this.members.size + (join?.id ?? 0);
    const transport = {
      send: (message: Message) => void setTimeout(() => this.members.get(message.to)?.replica.receive(structured(message)), 0),
      fetch: (snapshot: SnapshotMeta, from: number) => this.members.get(from)!.replica.snapshotBytes(snapshot),
    };
    const status = join?.of.replica.status();
    const replica = await startReplica({
      clock: this.clock,
      random: seeded(seed),
      files,
      log: silentLog,
      machine,
      connect: () => transport,
    }, {
      dataDir: "/data",
      segmentBytes: 16_384,
      snapshotEntries: 50,
      catchUpEntries: 5,
      ...(status && { join: { identity: { ...status, memberId: join!.id } } }),
    });
    const member = { id: replica.status().memberId, files, machine, replica };
    this.members.set(member.id, member);
    return member;
  }
  async until(what: string, holds: () => boolean): Promise<void> {
    for (let ticks = 0; ticks < 200; ticks++) {
      if (holds()) return;
      this.clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new Error(`never came true: ${what}; ${JSON.stringify([...this.members.values()].map(({ replica }) => replica.status()))}`);
  }
  async kill(member: Member): Promise<CrashFiles> {
    this.members.delete(member.id);
    const left = member.files.powerCut();
    await this.stop(member); // its disk is gone: it can only fail
    return left;
  }
  /** A leader first waits for somebody else to lead, and time is ours. */
  async stop({ replica }: Member): Promise<void> {
    let stopped = false;
    void replica.stop().catch(() => {}).then(() => stopped = true);
    await this.until("it has stopped", () => stopped);
  }
  leader = (): Member | undefined => [...this.members.values()].find(({ replica }) => replica.status().role === "leader");
}
/** As the wire would give it: nothing is shared. */
const structured = (message: Message): Message => structuredClone(message);
const write = ({ replica }: Member, from: number, to: number) =>
  Promise.all(Array.from({ length: to - from }, (_, at) => replica.propose(Buffer.from(`item ${from + at}`))));
const isAt = (count: number) => ({ machine }: Member) => machine.items.length === count;

const test = suite("members", {
  timeoutMs: 60_000,
  setup: () => ({ cluster: new Cluster() }),
  teardown: async ({ cluster }) => {
    for (const member of [...cluster.members.values()]) await cluster.stop(member);
  },
});

test("one voter grows to three, which survive the loss of any one of them", async ({ cluster }) => {
  const first = await cluster.start(new CrashFiles());
  await write(first, 0, 120); // so that newcomers need the snapshot
  await cluster.until("a snapshot", () => first.replica.status().snapshotIndex > 0);
  for (const id of [11, 22]) {
    first.replica.changeMembers([{ do: "addLearner", member: id }]);
    await cluster.until("learner", () => first.replica.status().conf.learners.includes(id));
    const joined = await cluster.start(new CrashFiles(), { of: first, id });
    await cluster.until("caught up", () => isAt(120)(joined));
    assert.is(joined.machine.restored, 1, "from the snapshot");
    await cluster.until("promoted", () => {
      const { conf } = first.replica.status();
      if (conf.voters.includes(id) && conf.outgoing.length === 0) return true;
      try {
        first.replica.changeMembers([{ do: "promote", member: id }]);
      } catch { /* not yet: its last catch-up round took too long, or a change is under way */ }
      return false;
    });
  }
  await write(first, 120, 130);
  await cluster.until("all have it", () => [...cluster.members.values()].every(isAt(130)));

  const disk = await cluster.kill(first);
  await cluster.until(
    "another leads",
    () => cluster.leader() !== undefined && cluster.leader()!.replica.status().leaderId === cluster.leader()!.id,
  );
  const second = cluster.leader()!, follower = [...cluster.members.values()].find(({ id }) => id !== second.id)!;
  await write(second, 130, 140);
  assert.equal(await Promise.all([follower.replica.propose(Buffer.from("item 140"))]), [141], "a follower forwards");
  await follower.replica.readIndex();
  assert.is(follower.machine.items.length, 141, "a confirmed read on a follower shows what was acknowledged before");

  const back = await cluster.start(disk);
  await cluster.until("it catches up", () => isAt(141)(back));
  for (const { machine } of cluster.members.values()) assert.equal(machine.items, Array.from({ length: 141 }, (_, at) => `item ${at}`));

  const after = cluster.leader()!;
  assert.ok(after.replica.transfer(back.id));
  await cluster.until("leadership is handed over", () => cluster.leader()?.id === back.id);
  await cluster.until("the log is its own", () => back.replica.status().commitIndex === back.replica.status().lastIndex);
  assert.equal(await write(back, 141, 142), [142]);
});

test("promote() waits for who is about to catch up, says who does not, and asks nothing anew of who has a vote", async ({ cluster }) => {
  const first = await cluster.start(new CrashFiles()), { clock } = cluster;
  const members = new Members(first.replica, { clock, random: seeded(9) });
  const ended = async (change: Promise<unknown>): Promise<string> => {
    let outcome: string | undefined;
    void change.then(() => outcome = "done", (error: Error) => outcome = error.message);
    await cluster.until("it is told", () => outcome !== undefined);
    return outcome!;
  };
  await cluster.until("it leads", () => cluster.leader() !== undefined);
  assert.match(await ended(members.remove(first.id)), `Cannot remove member ${first.id}: it is the only one with a vote`);
  assert.match(await ended(members.promote(5)), "Cannot promote member 5: there is no member of that id");

  assert.is(await ended(members.add("127.0.0.1:6444")), "done");
  const { id } = members.list().find(({ role }) => role === "learner")!;
  assert.match(await ended(members.promote(id)), `Cannot promote member ${id} yet: it does not answer`);
  // All at once: it begins to catch up only now, and the quorum is asked for anew again and again meanwhile.
  await cluster.start(new CrashFiles(), { of: first, id });
  assert.is(await ended(members.promote(id)), "done");
  assert.is(members.find(id)?.role, "voter");
  const { lastIndex } = first.replica.status();
  assert.is(await ended(members.promote(id)), "done", "again");
  assert.is(first.replica.status().lastIndex, lastIndex);
  // At every tick of an election timeout a change is taken that all who would decide answer to.
  for (let ticks = 0; ticks < 12; ticks++) {
    clock.advance(100);
    assert.is(first.replica.raft.progressOf(id)?.active, true, `tick ${ticks}, before its answer to the next heartbeat`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});
