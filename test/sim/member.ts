// A member as the simulation has it: the real store over a simulated disk, network and clock, started and ended as often as the plan wants.
import { EmbeddedStore, type ReplicaFace } from "../../master/store/face.ts";
import type { Entry } from "../../master/store/machine.ts";
import type { ConfState } from "../../master/store/raft/membership.ts";
import type { Message } from "../../master/store/raft/message.ts";
import type { Replica } from "../../master/store/replica.ts";
import { startReplica } from "../../master/store/replica_start.ts";
import { State } from "../../master/store/state.ts";
import { NoRoom, StorageError } from "../../master/store/storage_error.ts";
import { seeded } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { SimDisk } from "./disk.ts";
import type { SimNetwork } from "./network.ts";
import { Process } from "./process.ts";
import type { World } from "./world.ts";

/** Sizes that a run draws, so that what is rare with the real ones happens all the time. */
export interface Sizes {
  readonly segmentBytes: number;
  readonly snapshotEntries: number;
  readonly catchUpEntries: number;
  readonly electionTicks: number;
  readonly appendBytes: number;
  /** Events that a watcher may lag behind before it is served from history. */
  readonly watchEvents: number;
}

/** What the members of a run tell those who judge it. */
export interface Observer {
  /** An entry was applied, with this result. */
  applied(member: SimMember, entry: Entry, outcome: unknown): void;
  /** The state was replaced by that of a snapshot. */
  restored(member: SimMember): void;
  started(member: SimMember): void;
  /** A read that it was asked for when `asked` entries were known to be committed was confirmed at this index. */
  confirmed(member: SimMember, asked: number, index: number): void;
  /** How many entries are known to be committed, by whomever. */
  readonly known: number;
  /** It has heard a message. */
  received(member: SimMember, message: Message): void;
  /** The process is gone; the error is why the store ended it. */
  ended(member: SimMember, error?: Error): void;
  /** It does not start on this disk. */
  refused(member: SimMember, error: StorageError): void;
}

/** One life of a member. */
export interface Life {
  readonly process: Process;
  readonly state: State;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  /** Undefined while it recovers. */
  replica?: Replica;
  store?: EmbeddedStore;
  /** It was told to stop, and takes its time. */
  isClosing?: boolean;
}

export class SimMember {
  readonly id: number;
  readonly disk: SimDisk;
  readonly sizes: Sizes;
  life: Life | undefined;
  /** Why it cannot start again, as its operator would read it. */
  refusal: StorageError | undefined;
  readonly #world: World;
  readonly #network: SimNetwork;
  readonly #observer: Observer;
  readonly #join: { identity: { clusterId: string; clusterEpoch: string; memberId: number }; conf?: ConfState };
  readonly #drift;
  #ended = (): void => {};

  constructor(world: World, network: SimNetwork, observer: Observer, sizes: Sizes, id: number, conf?: ConfState) {
    this.#world = world;
    this.#network = network;
    this.#observer = observer;
    this.sizes = sizes;
    this.id = id;
    this.disk = new SimDisk(world);
    this.#join = { identity: { clusterId: "c".repeat(32), clusterEpoch: "e".repeat(16), memberId: id }, ...(conf && { conf }) };
    this.#drift = { rate: world.between(0.95, 1.05), wallOffset: world.between(-2_000, 2_000) };
    network.plug({
      id,
      isUp: () => this.life?.replica !== undefined,
      deliver: (message) =>
        this.life?.process.run(() => {
          this.life?.replica?.receive(message);
          if (this.life?.replica) this.#observer.received(this, message);
        }),
      snapshotBytes: (meta) => this.life?.replica?.snapshotBytes(meta),
    });
  }

  get store(): EmbeddedStore | undefined {
    return this.life?.store;
  }
  get replica(): Replica | undefined {
    return this.life?.replica;
  }
  /** Moves its wall clock, as NTP does, or somebody by hand. */
  jumpWall(ms: number): void {
    this.#drift.wallOffset += ms;
  }

  /** Resolves when it serves, or cannot. */
  async start(): Promise<void> {
    const process = new Process(this.#world, this.#drift), state = new State(), observer = this.#observer;
    const ended = new Promise<void>((resolve) => this.#ended = resolve);
    const life: Life = { process, state, ended };
    this.life = life;
    const machine = {
      keep: (payload: Uint8Array) => state.keep(payload),
      apply: (entry: Entry) => {
        const outcome = state.apply(entry);
        observer.applied(this, entry, outcome);
        return outcome;
      },
      mayOverfill: (payload: Uint8Array) => state.mayOverfill(payload),
      snapshot: () => state.snapshot(),
      restore: async (bytes: AsyncIterable<Uint8Array>) => {
        await state.restore(bytes);
        observer.restored(this);
      },
    };
    const random = seeded(this.#world.whole(2 ** 32)), log = silentLog, clock = process.clock;
    const transport = this.#network.transport(this.id, () => process.alive);
    try {
      const replica = await startReplica({ clock, random, files: this.disk.open(process), log, machine, connect: () => transport }, {
        dataDir: "/data",
        join: this.#join,
        ...this.sizes,
      });
      if (this.life !== life) return;
      life.replica = replica;
      life.store = new EmbeddedStore({ clock, log, state, replica: this.#watched(replica) }, {
        quotaBytes: 1024 * 1024,
        attestMs: 5_000,
        watchBounds: { events: this.sizes.watchEvents, bytes: 1024 * 1024 },
      });
      void life.store.fatal.then((error) => this.#end(life, { error }));
      observer.started(this);
    } catch (error) {
      if (this.life !== life) return;
      // A disk that failed while it started: its process ends with an error, and whoever minds it starts it again.
      if (error instanceof StorageError) observer.refused(this, this.refusal = error);
      // Nor does it start on a full disk once its reserve is used up; it says so, and nothing is lost.
      this.#end(life, error instanceof NoRoom ? {} : { error: error as Error });
    }
  }

  /** The replica as its store has it, its reads under observation. */
  #watched(replica: Replica): ReplicaFace {
    const observer = this.#observer;
    return {
      fatal: replica.fatal,
      propose: (payload) => replica.propose(payload),
      readIndex: async () => {
        const asked = observer.known, index = await replica.readIndex();
        observer.confirmed(this, asked, index);
      },
      status: () => replica.status(),
      lead: (name, work, signal) => replica.lead(name, work, signal),
      stop: () => replica.stop(),
    };
  }

  /** kill -9: what it has written is in the page cache. */
  kill(): void {
    if (this.life) this.#end(this.life);
  }
  /** SIGTERM: it has its time. */
  async stop(): Promise<void> {
    const { life } = this;
    if (!life?.store) return;
    life.isClosing = true;
    await life.store.close().catch(() => {}); // its disk may fail at the last moment
    this.#end(life);
  }
  /** The plug: only what was synced is there for certain. */
  cutPower(): void {
    if (this.life) this.#end(this.life, { power: true });
    this.disk.powerCut();
  }

  #end(life: Life, { error, power = false }: { error?: Error; power?: boolean } = {}): void {
    if (this.life !== life) return;
    life.process.alive = false;
    this.life = undefined;
    this.#ended();
    if (!power) this.disk.processEnded();
    this.#observer.ended(this, error);
    // Nothing of it reaches the world any more. But what has listeners is kept by the runtime until its signals are over.
    void life.store?.close().catch(() => {});
  }
}
