// What a member lets others see of itself: its view of Raft as it is now, and the summary that commands and probes print.
import type { Role } from "./raft/core.ts";
import type { ConfState } from "./raft/membership.ts";
import type { Raft } from "./raft/raft.ts";
import type { Snapshotter } from "./snapshotter.ts";
import type { Wal } from "./wal.ts";

/** The Raft state machine for those who only look: metrics, and the judges of a simulation. */
export type RaftView = Pick<
  Raft,
  | "id"
  | "role"
  | "term"
  | "vote"
  | "leader"
  | "conf"
  | "firstIndex"
  | "lastIndex"
  | "durableIndex"
  | "commitIndex"
  | "appliedIndex"
  | "isEstablished"
  | "progressOf"
  | "termAt"
  | "entryAt"
>;

export interface ReplicaStatus {
  readonly clusterId: string;
  readonly clusterEpoch: string;
  readonly memberId: number;
  readonly leaderId: number;
  readonly role: Role;
  readonly term: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly durableIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Log time of the last applied entry, ms since 1970. */
  readonly time: number;
  readonly walBytes: number;
  /** Index of the newest snapshot; 0 = none. */
  readonly snapshotIndex: number;
  /** There is no room for more of the log: what would let it grow is refused while this member leads. */
  readonly diskFull: boolean;
  readonly conf: ConfState;
}

interface Parts {
  readonly raft: RaftView;
  readonly wal: Pick<Wal, "identity" | "bytes">;
  readonly snapshotter: Pick<Snapshotter, "index">;
}
export function statusOf({ raft, wal, snapshotter }: Parts, { time, diskFull }: Pick<ReplicaStatus, "time" | "diskFull">): ReplicaStatus {
  const { clusterId, clusterEpoch, memberId } = wal.identity;
  return {
    ...{ clusterId, clusterEpoch, memberId, leaderId: raft.leader, role: raft.role, term: raft.term },
    ...{ firstIndex: raft.firstIndex, lastIndex: raft.lastIndex, durableIndex: raft.durableIndex },
    ...{ commitIndex: raft.commitIndex, appliedIndex: raft.appliedIndex, snapshotIndex: snapshotter.index },
    ...{ time, walBytes: wal.bytes, diskFull, conf: raft.conf },
  };
}
