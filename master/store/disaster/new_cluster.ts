// A new life of an old cluster: one member, made of a state that was saved or has survived. The cluster's id stays, because devices are bound to it. All else that
// could be taken for the old life is new, so that nothing of it fits any more:
//   epoch     devices compare sets by it, masters refuse each other by it
//   member id the old members' ids are among the removed ones, and never come back
//   term      far above any that the old members may have reached since
//   revision  far above any that clients may have seen; all before it counts as compacted, so that their watches begin anew (410) instead of going back in time
// Raft knows no such thing: it is a human who decides that the old members are gone. (etcd does likewise: `etcdctl snapshot restore --bump-revision --mark-compacted`.)
import { newClusterTerms } from "../../../shared/limits.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import { newEpoch, newId } from "../identity.ts";
import { type ConfState, members, soleVoter } from "../raft/membership.ts";
import { Snapshots } from "../snapshot.ts";
import type { SnapshotHeader } from "../snapshot_format.ts";
import type { State } from "../state.ts";
import { StoreError } from "../store.ts";
import { Wal } from "../wal.ts";
import type { Identity } from "../wal_format.ts";
import type { WalNeeds } from "../wal_start.ts";

/** What is known of the old life. */
export interface Predecessor extends Pick<SnapshotHeader, "clusterId" | "index" | "time" | "revision" | "clusterVersion" | "conf"> {
  /** The highest that is known. */
  readonly term: number;
  /** Where the member of the new life can be reached, if that is known; "" where not. */
  readonly address: string;
}

export interface NewCluster {
  readonly identity: Identity;
  /** Of the snapshot that it begins with. */
  readonly header: SnapshotHeader;
}

/** @throws StoreError Invalid when revisions would leave the numbers that clients can hold */
export function planNewCluster(old: Predecessor, bumpRevision: number, random: Random): NewCluster {
  const { clusterId, index, time, clusterVersion, conf } = old, removed = everMembers(conf), revision = old.revision + bumpRevision;
  if (!Number.isSafeInteger(revision) || bumpRevision < 1) {
    throw new StoreError("Invalid", `Cannot go on at revision ${old.revision} + ${bumpRevision}: it must be higher, and below 2^53`);
  }
  let memberId = newId(random);
  while (removed.includes(memberId)) memberId = newId(random);
  const identity = { clusterId, clusterEpoch: newEpoch(random), memberId };
  const alone = { ...soleVoter(memberId), removed, addresses: old.address === "" ? {} : { [memberId]: old.address } };
  const { clusterEpoch } = identity, term = old.term + newClusterTerms;
  return {
    identity,
    header: { clusterId, clusterEpoch, index, term, time, revision, compactRevision: revision, conf: alone, clusterVersion },
  };
}

/** All who ever were members. */
const everMembers = (conf: ConfState): number[] => [...new Set([...members(conf), ...conf.removed])].sort((a, b) => a - b);

/**
 * Writes the store of the new life into an empty `directory`: as one that a member has which joined and got everything in a snapshot. All of it is durable when this
 * resolves, but for the directory's own name. `state` is used up.
 */
export async function writeNewCluster(
  needs: WalNeeds & { readonly clock: Clock },
  directory: string,
  { identity, header }: NewCluster,
  state: State,
): Promise<void> {
  const { files } = needs, options = { directory: `${directory}/wal` };
  await files.makeDirectory(options.directory);
  state.leapTo(header.revision);
  const wal = await Wal.create(needs, options, identity, undefined);
  try {
    const written = await new Snapshots(needs, `${directory}/snapshots`).write(
      header,
      state.snapshot().bytes,
      new AbortController().signal,
    );
    const { index, term } = header;
    await wal.append({ marker: { index, term, sha256: written.sha256 }, restart: true, hardState: { term, vote: 0, commit: index } });
    await wal.seal();
  } finally {
    await wal.close();
  }
  await files.syncDirectory(directory);
}
