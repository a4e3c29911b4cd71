// From a directory to a member at work.
import { catchUpEntries, electionTicks, groupCommitBytes, raftTickMs, snapshotEntries, walSegmentBytes } from "../../shared/limits.ts";
import { Raft } from "./raft/raft.ts";
import { type Join, recover } from "./recovery.ts";
import { Replica } from "./replica.ts";
import type { ReplicaNeeds } from "./replica_needs.ts";
import { Snapshotter } from "./snapshotter.ts";
import { isDiskFull, NoRoom } from "./storage_error.ts";

export interface ReplicaConfig {
  readonly dataDir: string;
  readonly segmentBytes?: number;
  /** Entries after which a snapshot is taken. */
  readonly snapshotEntries?: number;
  /** Entries kept behind a snapshot for members that lag. */
  readonly catchUpEntries?: number;
  /** Ticks of an election timeout. */
  readonly electionTicks?: number;
  /** Bytes of entries in one message to another member. */
  readonly appendBytes?: number;
  /** Makes an empty directory that of a member of a running cluster, instead of a cluster of its own. */
  readonly join?: Join;
}

/**
 * Recovers the state of `dataDir`, or begins a new cluster of one there. A sole voter leads when this resolves, with everything in its log applied.
 * @throws StorageError when the directory cannot be used as it is, NoRoom when the disk is full and the log has no reserve left
 */
export async function startReplica(needs: ReplicaNeeds, config: ReplicaConfig, options: { signal?: AbortSignal } = {}): Promise<Replica> {
  const { files, clock, log } = needs;
  const keep = config.catchUpEntries ?? catchUpEntries;
  let unlock = async (): Promise<void> => {};
  try {
    await files.makeDirectory(config.dataDir);
    unlock = await files.lock(`${config.dataDir}/lock`);
    const recovered = await recover(needs, { ...config, catchUpEntries: keep });
    const raft = new Raft(
      {
        id: recovered.wal.identity.memberId,
        heartbeatTicks: 1,
        electionTicks: config.electionTicks ?? electionTicks,
        ...(config.appendBytes !== undefined && { appendBytes: config.appendBytes }),
        // What is prepared for the log before a disk is full must do for a write.
        writeBytes: Math.min(groupCommitBytes, (config.segmentBytes ?? walSegmentBytes) / 4),
        random: needs.random,
      },
      { hardState: recovered.hardState, conf: recovered.conf, log: recovered.log },
    );
    if (clock.now() < recovered.time) {
      log.warn("The clock is behind the log: the log's time is used until the clock has passed it", { logTime: recovered.time });
    }
    const { wal, snapshots, snapshot } = recovered;
    const snapshotter = new Snapshotter(needs, { raft, snapshots, wal }, {
      afterEntries: config.snapshotEntries ?? snapshotEntries,
      catchUpEntries: keep,
    });
    if (snapshot) snapshotter.found(snapshot);
    const transport = await needs.connect?.(wal.identity);
    const electionMs = (config.electionTicks ?? electionTicks) * raftTickMs;
    const replica = new Replica(needs, { raft, wal, snapshotter, transport, unlock }, { time: snapshot?.time ?? 0, electionMs });
    await replica.start(options.signal);
    return replica;
  } catch (error) {
    await unlock();
    throw isDiskFull(error) && !(error instanceof NoRoom) ? new NoRoom(config.dataDir, undefined, { cause: error }) : error;
  }
}
