// A backup: a snapshot file that lies somewhere else. Read whole, as the start of a master would read it, and with the same words for what is wrong with it.
import { InvariantError } from "../../../shared/util/assert.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import type { Files } from "../files.ts";
import { Snapshots } from "../snapshot.ts";
import type { SnapshotHeader } from "../snapshot_format.ts";
import { State } from "../state.ts";
import { StorageError } from "../storage_error.ts";

export interface Backup {
  readonly header: SnapshotHeader;
  readonly sha256: Uint8Array;
  /** Bytes of the file. */
  readonly size: number;
}
interface Needs {
  readonly files: Files;
  readonly clock: Clock;
}

/** Checks every byte against its checksum and the digest, and what it says against itself. @throws StorageError Corrupt, Format, naming the place */
export async function readBackup(needs: Needs, path: string): Promise<Backup & { readonly state: State }> {
  const state = new State();
  const read = await readThrough(needs, path, (pieces) => state.restore(pieces));
  const { revision, compactRevision } = state.mvcc, { header } = read;
  if (revision !== header.revision || compactRevision !== header.compactRevision) {
    throw new StorageError("Corrupt", path, `its header speaks of revision ${header.revision}, its content of ${revision}`);
  }
  return { ...read, state };
}

/** The same without making anything of the content: for a file that a master has just sent. @throws StorageError Corrupt, Format */
export const checkBackup = (needs: Needs, path: string): Promise<Backup> =>
  readThrough(needs, path, async (pieces) => {
    for await (const _ of pieces);
  });

async function readThrough(needs: Needs, path: string, use: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Promise<Backup> {
  try {
    const read = await new Snapshots(needs, "").read(path, (_, pieces) => use(pieces));
    const file = await needs.files.open(path);
    try {
      return { ...read, size: await file.size() };
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (!(cause instanceof InvariantError)) throw cause;
    throw new StorageError("Corrupt", path, `its checksums are right, and its content is not (${cause.message})`, { cause });
  }
}
