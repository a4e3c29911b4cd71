// What a member of a lost cluster still has: its newest snapshot and all of its log, read without changing anything.
//
// All of the log, also what this member does not know to be committed: an entry that was acknowledged because this member had it may be the last that it heard. What
// was not committed was not answered either, and may become true like any write without an answer. (etcd cuts the log at the commit index here.)
import { changed, type ConfState, decodeConfChange, members } from "../raft/membership.ts";
import { checkFit, holds, restoreNewest } from "../recovery.ts";
import { Snapshots } from "../snapshot.ts";
import { State } from "../state.ts";
import { StorageError } from "../storage_error.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import { openSegments } from "../wal_open.ts";
import type { WalNeeds } from "../wal_start.ts";
import type { Predecessor } from "./new_cluster.ts";

export interface Survivor extends Predecessor {
  readonly clusterEpoch: string;
  readonly memberId: number;
  readonly state: State;
}

/** `directory` must be locked. @throws StorageError when it holds no store, or not one that a master could start from */
export async function readSurvivor(needs: Omit<WalNeeds, "random"> & { readonly clock: Clock }, directory: string): Promise<Survivor> {
  const state = new State(), snapshots = new Snapshots(needs, `${directory}/snapshots`);
  const snapshot = (await restoreNewest({ machine: state, log: needs.log }, snapshots))?.header, applied = snapshot?.index ?? 0;
  const opened = await openSegments(needs.files, `${directory}/wal`, applied);
  if (!opened) throw new StorageError("Missing", directory, "there is no log in it");
  const { replayed, last: { header } } = opened, { clusterId, clusterEpoch, memberId } = header;
  checkFit(directory, replayed, header, snapshot);
  let conf: ConfState = snapshot?.conf ?? replayed.conf!, time = snapshot?.time ?? 0, index = applied;
  let term = Math.max(replayed.hardState.term, snapshot?.term ?? 0);
  const behind = snapshot && !holds(replayed, snapshot) ? [] : replayed.entries.filter((entry) => entry.index > applied);
  for (const entry of behind) {
    time = Math.max(time, entry.time);
    term = Math.max(term, entry.term);
    index = entry.index;
    state.apply({ ...entry, time, payload: entry.type === "command" ? entry.payload : empty });
    if (entry.type === "configuration") conf = changed(conf, decodeConfChange(entry.payload));
  }
  if (members(conf).length === 0) {
    throw new StorageError("Missing", directory, "this member joined a cluster and has never got anything from it");
  }
  const clusterVersion = snapshot?.clusterVersion ?? 1, address = conf.addresses[memberId] ?? "", { revision } = state.mvcc;
  return { clusterId, clusterEpoch, memberId, index, term, time, revision, clusterVersion, conf, address, state };
}

/** Those besides it who should be gone for good. */
export const others = ({ conf, memberId }: Survivor): { readonly id: number; readonly address: string }[] =>
  members(conf).filter((id) => id !== memberId).map((id) => ({ id, address: conf.addresses[id] ?? "" }));

const empty = new Uint8Array(0);
