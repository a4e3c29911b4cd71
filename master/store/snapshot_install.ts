// Installing a snapshot that the leader offers. Its bytes are on disk and its digest is right before the state is replaced; and the log says that it is there
// before anything is appended behind it.
import type { StateMachine } from "./machine.ts";
import type { SnapshotMeta } from "./raft/message.ts";
import { SnapshotLost, type Snapshots } from "./snapshot.ts";
import type { SnapshotHeader } from "./snapshot_format.ts";
import { NoRoom, StorageError } from "./storage_error.ts";
import type { Wal } from "./wal.ts";

export interface Install {
  readonly meta: SnapshotMeta;
  readonly source: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Called when all is fetched: nothing may be applied or appended from now on. False: it is not needed any more. */
  hold(): Promise<boolean>;
  /** Whether the log has the very entry at which the snapshot was taken. */
  fitsLog(): boolean;
}

/** @returns the header of what the state is now, or why it is as it was. Rejects only for errors of the disk. */
export async function installSnapshot(
  { machine, snapshots, wal }: { machine: StateMachine; snapshots: Snapshots; wal: Wal },
  { meta, source, signal, hold, fitsLog }: Install,
): Promise<SnapshotHeader | { readonly failed: Error }> {
  let temporary: string;
  try {
    temporary = await snapshots.fetch(source, signal);
  } catch (error) {
    if (error instanceof SnapshotLost || error instanceof NoRoom || signal.aborted) return { failed: error as Error };
    throw error;
  }
  try {
    if (!await hold()) return { failed: new SnapshotLost("the log has passed it") };
    const { header, sha256 } = await snapshots.read(temporary, (found, pieces) => {
      if (found.clusterId !== wal.identity.clusterId) throw new StorageError("Foreign", temporary, `it is of cluster ${found.clusterId}`);
      if (found.clusterEpoch !== wal.identity.clusterEpoch) {
        throw new StorageError("Foreign", temporary, `it is of epoch ${found.clusterEpoch}`);
      }
      if (found.index !== meta.index || found.term !== meta.term) {
        throw new SnapshotLost(`it ends at entry ${found.index}, not ${meta.index}`);
      }
      return machine.restore(pieces);
    });
    await snapshots.adopt(temporary, header);
    await wal.append({ marker: { index: meta.index, term: meta.term, sha256 }, restart: !fitsLog() });
    return header;
  } catch (error) {
    if (error instanceof SnapshotLost || error instanceof StorageError || signal.aborted) return { failed: error as Error };
    throw error;
  }
}
