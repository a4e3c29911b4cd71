// Real replicas that talk over the real transport: what Raft needs of it, all at once.
import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import type { Replica } from "../../../../master/store/replica.ts";
import { startReplica } from "../../../../master/store/replica_start.ts";
import { memberUri } from "../../../../master/store/transport/handshake.ts";
import { createTransport, type PeerTransport } from "../../../../master/store/transport/transport.ts";
import { seeded, systemClock } from "../../../../shared/util/clock.ts";
import { silentLog } from "../../../../shared/util/log.ts";
import { issuePeer } from "../../../../master/pki/peer_certificate.ts";
import { CrashFiles } from "../../../kit/crash_files.ts";
import { eventually } from "../../../kit/eventually.ts";
import { ListMachine } from "../../../kit/list_machine.ts";
import { freePort } from "../../../kit/free_port.ts";
import { suite } from "../../../kit/suite.ts";
import { local, Masters } from "./kit.ts";

interface Member {
  readonly id: number;
  readonly port: number;
  readonly machine: ListMachine;
  readonly replica: Replica;
  readonly transport: PeerTransport;
  stop(): Promise<void>;
}

class Fleet {
  readonly members: Member[] = [];
  readonly #masters: Masters;
  constructor(masters: Masters) {
    this.#masters = masters;
  }
  async start(join?: { of: Member; id: number; port: number }): Promise<Member> {
    const machine = new ListMachine(),
      port = join?.port ?? await freePort(),
      identity = join && { ...join.of.replica.status(), memberId: join.id };
    const { ca } = this.#masters, clock = systemClock, log = silentLog, up: { transport?: PeerTransport; replica?: Replica } = {};
    const replica = up.replica = await startReplica({
      ...{ clock, log, machine, random: seeded(port), files: new CrashFiles() },
      async connect({ clusterId, clusterEpoch, memberId }) {
        const pair = await issuePeer(ca, memberUri({ clusterId, clusterEpoch, memberId }));
        return up.transport = await createTransport({
          ...{ clock, log, random: seeded(port + 1) },
          receive: (message) => up.replica?.receive(message),
          snapshotBytes: (snapshot) => up.replica!.snapshotBytes(snapshot),
        }, {
          ...{ clusterId, clusterEpoch, memberId, address: local(port), listen: [{ host: "127.0.0.1", port }] },
          tls: { ca: ca.certificate, certificate: pair.certificate, key: pair.key },
        });
      },
    }, { dataDir: "/data", segmentBytes: 65_536, snapshotEntries: 100, catchUpEntries: 5, ...(identity && { join: { identity } }) });
    const { memberId } = replica.status(), transport = up.transport!;
    const stop = async (): Promise<void> => {
      await transport.close();
      await replica.stop().catch(() => {}); // alone, it may have writes that will never be committed
    };
    const member = { id: memberId, port, machine, replica, transport, stop };
    this.members.push(member);
    return member;
  }
}

const test = suite<{ fleet: Fleet }>("replicas over the transport", {
  setup: async () => ({ fleet: new Fleet(await Masters.create()) }),
  teardown: ({ fleet }) => Promise.all(fleet.members.map(({ stop }) => stop())),
  timeoutMs: 60_000,
});
const write = ({ replica }: Member, from: number, to: number, bytes = 0) =>
  Promise.all(Array.from({ length: to - from }, (_, at) => replica.propose(Buffer.from(`item ${from + at} ${"x".repeat(bytes)}`))));
const soon = { withinMs: 20_000, everyMs: 20 };

test("newcomers get the snapshot and the log, followers forward, and another leads when the leader is gone", async ({ fleet }) => {
  const first = await fleet.start();
  await write(first, 0, 150, 2_000);
  await eventually("there is a snapshot", () => first.replica.status().snapshotIndex > 0, soon);
  for (const id of [11, 22]) {
    const port = await freePort();
    first.replica.changeMembers([{ do: "addLearner", member: id, address: local(port) }]);
    const joined = await fleet.start({ of: first, id, port });
    await eventually("it has everything", () => joined.machine.items.length === 150, soon);
    assert.is(joined.machine.restored, 1, "from the snapshot");
    await eventually("it votes", () => {
      const { conf } = first.replica.status();
      if (conf.voters.includes(id) && conf.outgoing.length === 0) return true;
      try {
        first.replica.changeMembers([{ do: "promote", member: id }]);
      } catch { /* not yet: it lags, or a change is under way */ }
      return false;
    }, soon);
  }
  const [, second, third] = fleet.members as [Member, Member, Member];
  await write(first, 150, 400, 10_000); // 2.5 MB in one go
  await eventually("all have it", () => fleet.members.every(({ machine }) => machine.items.length === 400), soon);
  assert.equal(await write(second, 400, 402), [401, 402], "a follower forwards");
  await third.replica.readIndex();
  await eventually("and reads", () => third.machine.items.length === 402, soon);

  await first.stop();
  const leader = await eventually("another leads", () => [second, third].find(({ replica, id }) => replica.status().leaderId === id), soon);
  await eventually("and is obeyed", () => [second, third].every(({ replica }) => replica.status().leaderId === leader.id), soon);
  assert.equal(await write(leader === second ? third : second, 402, 403), [403]);
  await eventually("both have it", () => [second, third].every(({ machine }) => machine.items.length === 403), soon);
  assert.equal(second.machine.items, third.machine.items);
});
