// What a member knows after a start: the newest readable snapshot, and the log behind it. Or a new cluster, when the directory is empty.
import { catchUpEntries } from "../../shared/limits.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { LogStart } from "./raft/log.ts";
import { type ConfState, soleVoter } from "./raft/membership.ts";
import type { HardState } from "./raft/message.ts";
import { StorageError } from "./storage_error.ts";
import { Wal, type WalNeeds } from "./wal.ts";
import type { Identity } from "./wal_format.ts";

export interface Recovered {
  readonly wal: Wal;
  readonly hardState: HardState;
  readonly conf: ConfState;
  readonly log: LogStart;
  /** Log time of the last entry that the state machine has. */
  readonly time: number;
}

export async function recover(needs: WalNeeds, config: { dataDir: string; segmentBytes?: number }): Promise<Recovered> {
  const directory = `${config.dataDir}/wal`;
  await needs.files.makeDirectory(directory);
  const options = { directory, ...(config.segmentBytes !== undefined && { segmentBytes: config.segmentBytes }) };
  const opened = await Wal.open(needs, options, -catchUpEntries);
  if (!opened) {
    const identity = newIdentity(needs.random), conf = soleVoter(identity.memberId);
    const wal = await Wal.create(needs, options, identity, conf);
    needs.log.info("A new cluster begins", { clusterId: identity.clusterId, memberId: identity.memberId });
    return {
      wal,
      conf,
      hardState: { term: 0, vote: 0, commit: 0 },
      log: { base: { index: 0, term: 0 }, entries: [], commit: 0, applied: 0 },
      time: 0,
    };
  }
  const { wal, replayed } = opened;
  if (!replayed.conf || replayed.base.index > 0) {
    throw new StorageError("Missing", directory, "the log does not begin at its first entry, and there is no snapshot");
  }
  const last = replayed.base.index + replayed.entries.length;
  return {
    wal,
    conf: replayed.conf,
    hardState: replayed.hardState,
    log: { base: replayed.base, entries: replayed.entries, commit: Math.min(replayed.hardState.commit, last), applied: 0 },
    time: 0,
  };
}

function newIdentity(random: Random): Identity {
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  return { clusterId: hex(32), clusterEpoch: hex(16), memberId: 1 + Math.floor(random() * (Number.MAX_SAFE_INTEGER - 1)) };
}
