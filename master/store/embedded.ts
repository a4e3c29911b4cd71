// The embedded store of one master: the replicated state, driven by a replica over files of its own, behind the store's face.
import { storeLiveBytes } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { EmbeddedStore, type OpenedStore } from "./face.ts";
import type { Files } from "./files.ts";
import { type ReplicaConfig, startReplica } from "./replica.ts";
import { State } from "./state.ts";

export interface EmbeddedConfig extends ReplicaConfig {
  /** Bytes of live keys and values above which puts get NoSpace. */
  readonly quotaBytes?: number;
}

/**
 * Opens the store of a data directory, or a new one of one member. Resolves when everything acknowledged before is there and this member serves it.
 * @throws StorageError when the directory cannot be used as it is
 */
export async function openStore(
  { clock, random, files, log }: { clock: Clock; random: Random; files: Files; log: Log },
  { quotaBytes = storeLiveBytes, ...config }: EmbeddedConfig,
): Promise<OpenedStore> {
  const state = new State();
  const replica = await startReplica({ clock, random, files, log, machine: state }, config);
  return new EmbeddedStore({ clock, log, state, replica }, { quotaBytes });
}
