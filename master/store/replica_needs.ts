// What a member needs of the world: a disk, a clock, a state machine, and a way to the other members.
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Files } from "./files.ts";
import type { StateMachine } from "./machine.ts";
import type { ConfState } from "./raft/membership.ts";
import type { Message, SnapshotMeta } from "./raft/message.ts";
import type { ReplicaStatus } from "./replica_status.ts";

/** Who a member is. */
export type Self = Pick<ReplicaStatus, "clusterId" | "clusterEpoch" | "memberId">;

/** Brings messages to other members; may lose, reorder and repeat them. Those of other clusters it keeps out. */
export interface Transport {
  send(message: Message): void;
  /** The bytes of a snapshot that `from` has offered: what its snapshotBytes() gives. Rejects when none come any more, whatever has become of `from`. */
  fetch(snapshot: SnapshotMeta, from: number): AsyncIterable<Uint8Array>;
  /** Who the members are, and where: at the start, and after each change. */
  setPeers?(conf: ConfState): void;
}

export interface ReplicaNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly log: Log;
  readonly machine: StateMachine;
  /** Made once it is known who this member is. Its messages go to receive() of the replica that this is the start of. */
  readonly connect?: (self: Self) => Promise<Transport> | Transport;
}

/** A snapshot of a member at work, for somebody to take home. */
export interface BackupSource {
  /** Bytes of it. */
  readonly size: number;
  /** Opens the file when the first is asked for, and closes it when the iteration ends. */
  bytes(): AsyncIterable<Uint8Array>;
}
