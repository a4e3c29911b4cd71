// The embedded store of one master: the replicated state, driven by a replica over files of its own, behind the store's face.
import { attestMs, storeLiveBytes } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { EmbeddedStore, type OpenedStore } from "./face.ts";
import type { Files } from "./files.ts";
import { Members } from "./members.ts";
import type { Message, SnapshotMeta } from "./raft/message.ts";
import type { Replica } from "./replica.ts";
import type { BackupSource, Self, Transport } from "./replica_needs.ts";
import { type ReplicaConfig, startReplica } from "./replica_start.ts";
import { State } from "./state.ts";

export interface EmbeddedConfig extends ReplicaConfig {
  /** Bytes of live keys and values above which puts get NoSpace. */
  readonly quotaBytes?: number;
}

interface StoreNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly log: Log;
}
/** What ties this member to the others. */
export interface Peers {
  /** Makes the transport, once it is known who this member is. What it hears goes to `port`. */
  connect(self: Self, port: PeerPort): Promise<Transport>;
}
export interface PeerPort {
  receive(message: Message): void;
  snapshotBytes(snapshot: SnapshotMeta): AsyncIterable<Uint8Array>;
}

/**
 * Opens the store of a data directory, or a new one of one member. Resolves when everything acknowledged before is there and this member serves it.
 * @throws StorageError when the directory cannot be used as it is
 */
export const openStore = async (needs: StoreNeeds, config: EmbeddedConfig): Promise<OpenedStore> => (await openMember(needs, config)).store;

/** The same, for one of several masters: it resolves when this member is up, be there a leader or not. */
export async function openMember(
  { clock, random, files, log }: StoreNeeds,
  { quotaBytes = storeLiveBytes, ...config }: EmbeddedConfig,
  peers?: Peers,
): Promise<{ readonly store: OpenedStore; readonly members: Members; readonly backup: () => Promise<BackupSource> }> {
  const state = new State();
  const started: { replica?: Replica } = {};
  const port: PeerPort = {
    receive: (message) => started.replica?.receive(message), // said before we are up, it is said again
    async *snapshotBytes(snapshot) {
      if (started.replica) yield* started.replica.snapshotBytes(snapshot);
    },
  };
  const connect = peers && { connect: (self: Self) => peers.connect(self, port) };
  const replica = started.replica = await startReplica({ clock, random, files, log, machine: state, ...connect }, config);
  const store = new EmbeddedStore({ clock, log, state, replica }, { quotaBytes, ...(peers && { attestMs }) });
  return { store, members: new Members(replica, { clock, random }), backup: () => replica.backup() };
}
