// What a member knows after a start: the newest readable snapshot, and the log behind it. Or a new cluster, when the directory is empty.
import type { Clock } from "../../shared/util/clock.ts";
import { newIdentity } from "./identity.ts";
import type { StateMachine } from "./machine.ts";
import type { LogStart } from "./raft/log.ts";
import { type ConfState, encodeConf, nobody, soleVoter } from "./raft/membership.ts";
import type { HardState, LogEntry } from "./raft/message.ts";
import { Snapshots } from "./snapshot.ts";
import type { SnapshotHeader } from "./snapshot_format.ts";
import { StorageError } from "./storage_error.ts";
import { Wal } from "./wal.ts";
import type { Identity } from "./wal_format.ts";
import type { Replayed } from "./wal_recovery.ts";
import type { WalNeeds } from "./wal_start.ts";

export interface Recovered {
  readonly wal: Wal;
  readonly snapshots: Snapshots;
  readonly snapshot: SnapshotHeader | undefined;
  readonly hardState: HardState;
  readonly conf: ConfState;
  readonly log: LogStart;
  /** Log time of the newest entry, ms since 1970. */
  readonly time: number;
}

interface RecoveryNeeds extends WalNeeds {
  readonly clock: Clock;
  readonly machine: StateMachine;
}

export interface RecoveryConfig {
  readonly dataDir: string;
  readonly segmentBytes?: number;
  readonly catchUpEntries: number;
  readonly join?: Join;
}

/** What a member of a cluster begins with when its directory is empty. */
export interface Join {
  readonly identity: Identity;
  /** All members of a cluster that begins, the same on each of them. Absent: the cluster runs, and the log tells who they are. */
  readonly conf?: ConfState;
}

/** @throws StorageError; then nothing in the directory was changed */
export async function recover(needs: RecoveryNeeds, config: RecoveryConfig): Promise<Recovered> {
  const directory = `${config.dataDir}/wal`;
  const snapshots = new Snapshots(needs, `${config.dataDir}/snapshots`);
  const snapshot = await restoreNewest(needs, snapshots);
  if (snapshot) await snapshots.settle();
  const options = { directory, ...(config.segmentBytes !== undefined && { segmentBytes: config.segmentBytes }) };
  const check = (replayed: Replayed, identity: Identity) => checkFit(directory, replayed, identity, snapshot?.header);
  const opened = await Wal.open(needs, options, (snapshot?.header.index ?? 0) - config.catchUpEntries, check);
  if (opened) return await assemble(opened.wal, opened.replayed, snapshots, snapshot);
  const present = await snapshots.list();
  if (present.length > 0) throw new StorageError("Missing", directory, `it holds no log, though there are snapshots (${present[0]})`);
  const identity = config.join?.identity ?? newIdentity(needs.random), { clusterId, memberId } = identity;
  const conf = config.join ? config.join.conf : soleVoter(memberId), first = conf && genesis(conf);
  await needs.files.makeDirectory(directory);
  const wal = await Wal.create(needs, options, identity, first);
  needs.log.info(conf ? "A new cluster begins" : "A new member of a cluster begins", { clusterId, memberId });
  const log = { base: { index: 0, term: 0 }, entries: first ? [first] : [], commit: first ? 1 : 0, applied: 0 };
  const hardState = { term: 0, vote: 0, commit: log.commit };
  return { wal, snapshots, snapshot: undefined, conf: conf ?? nobody, hardState, log, time: 0 };
}

/** What the state was restored from. */
export interface Restored {
  readonly header: SnapshotHeader;
  readonly sha256: Uint8Array;
}

/** A damaged snapshot is no loss while the one before it and the log are there: checkFit() will tell. */
export async function restoreNewest(needs: Pick<RecoveryNeeds, "machine" | "log">, snapshots: Snapshots): Promise<Restored | undefined> {
  for (const path of await snapshots.list()) {
    try {
      return await snapshots.read(path, (_, pieces) => needs.machine.restore(pieces));
    } catch (error) {
      if (!(error instanceof StorageError) || error.reason !== "Corrupt") throw error;
      needs.log.error("A snapshot is damaged; the one before it is used", { path, error });
    }
  }
  return undefined;
}

/** @throws StorageError when the log does not reach back to the snapshot, or both are not of one cluster */
export function checkFit(directory: string, replayed: Replayed, identity: Identity, snapshot: SnapshotHeader | undefined): void {
  if (snapshot && snapshot.clusterId !== identity.clusterId) {
    throw new StorageError("Foreign", directory, `the log is of cluster ${identity.clusterId}, the snapshot of ${snapshot.clusterId}`);
  }
  if (snapshot && snapshot.clusterEpoch !== identity.clusterEpoch) {
    throw new StorageError(
      "Foreign",
      directory,
      `the log is of epoch ${identity.clusterEpoch}, the snapshot of ${snapshot.clusterEpoch}. \`snapshot restore\` makes a store of a backup`,
    );
  }
  const from = snapshot?.index ?? 0;
  if (replayed.base.index > from || (!snapshot && !replayed.conf)) {
    throw new StorageError(
      "Missing",
      directory,
      `the log begins behind entry ${replayed.base.index}, and the newest readable snapshot ends at ${from}. ` +
        "Restore a snapshot, or remove this member and add it again",
    );
  }
}

async function assemble(wal: Wal, replayed: Replayed, snapshots: Snapshots, restored: Restored | undefined): Promise<Recovered> {
  const { base, entries, hardState } = replayed, snapshot = restored?.header, applied = snapshot?.index ?? 0;
  const conf = snapshot?.conf ?? replayed.conf!;
  let time = snapshot?.time ?? 0;
  for (const entry of entries) time = Math.max(time, entry.time);
  if (restored && !holds(replayed, restored.header)) {
    // A snapshot from the leader, made durable just before a crash: the log is to go on behind it.
    const { index, term } = restored.header;
    await wal.append({ marker: { index, term, sha256: restored.sha256 }, restart: true });
    return { wal, snapshots, snapshot, hardState, conf, log: { base: { index, term }, entries: [], commit: index, applied: index }, time };
  }
  const last = base.index + entries.length, commit = Math.max(applied, Math.min(hardState.commit, last));
  return { wal, snapshots, snapshot, hardState, conf, log: { base, entries, commit, applied }, time };
}

/** Whether the log has the very entry at which the snapshot was taken; if not, what follows there does not follow on the snapshot. */
export function holds({ base, entries }: Replayed, { index, term }: SnapshotHeader): boolean {
  return (index === base.index ? base.term : entries[index - base.index - 1]?.term) === term;
}

/** Written down by each member of a cluster that begins, before any election: term 0, and committed as it stands. */
export const genesis = (conf: ConfState): LogEntry => ({
  index: 1,
  term: 0,
  type: "configuration",
  time: 0,
  proposer: 0,
  sequence: 0,
  payload: encodeConf({ changes: [], genesis: conf }),
});
