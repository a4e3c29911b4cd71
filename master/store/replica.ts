// One member at work: the only shell around the Raft state machine. It obeys what take() says (write, send, apply), drives the ticks, and settles what callers
// wait for. The first error of the disk, and any broken invariant, is fatal: from then on nothing is answered, and the process must end.
import { handOverLookMs, raftTickMs, storeSliceMs, walSealMs } from "../../shared/limits.ts";
import { sleep } from "../../shared/util/clock.ts";
import { DiskWatch } from "./disk_watch.ts";
import { Leadership } from "./leadership.ts";
import { PendingReads } from "./pending_reads.ts";
import { Proposer } from "./proposer.ts";
import type { ConfState, MemberChange } from "./raft/membership.ts";
import type { LogEntry, Message, SnapshotMeta } from "./raft/message.ts";
import type { Raft } from "./raft/raft.ts";
import type { Append, Ready } from "./raft/ready.ts";
import { Reach } from "./reach.ts";
import type { BackupSource, ReplicaNeeds, Transport } from "./replica_needs.ts";
import { type RaftView, type ReplicaStatus, statusOf } from "./replica_status.ts";
import type { Snapshotter } from "./snapshotter.ts";
import { refused } from "./refusal.ts";
import { NoRoom } from "./storage_error.ts";
import { StoreError } from "./store.ts";
import type { Wal } from "./wal.ts";

export class Replica {
  /** Resolves with the reason when this member has stopped for good; its process must exit non-zero. */
  readonly fatal: Promise<Error>;
  readonly #needs: ReplicaNeeds;
  readonly #raft: Raft;
  readonly #wal: Wal;
  readonly #snapshotter: Snapshotter;
  readonly #transport: Transport | undefined;
  readonly #unlock: () => Promise<void>;
  readonly #disk: DiskWatch;
  readonly #leadership: Leadership;
  readonly #proposer: Proposer;
  readonly #reads: PendingReads;
  /** Milliseconds of an election timeout, at least. */
  readonly #electionMs: number;
  readonly #reach: Reach;
  readonly #observers = new Set<() => void>();
  #time: number;
  #failure: Error | undefined;
  #fail!: (error: Error) => void;
  /** The members as the transport knows them. */
  #peers: ConfState | undefined;
  #stopping = false;
  #closed = false;
  #turnDue = false;
  #yielding = false;
  /** The state is being replaced. */
  #held = false;
  #appends: Promise<void> = Promise.resolve();
  #lastWrite = 0;
  #lastTick = 0;
  #cancelTick = () => {};
  #started: (() => void) | undefined;

  constructor(
    needs: ReplicaNeeds,
    parts: { raft: Raft; wal: Wal; snapshotter: Snapshotter; transport: Transport | undefined; unlock: () => Promise<void> },
    { time, electionMs }: { time: number; electionMs: number },
  ) {
    this.#needs = needs;
    this.#raft = parts.raft;
    this.#wal = parts.wal;
    this.#snapshotter = parts.snapshotter;
    this.#transport = parts.transport;
    this.#unlock = parts.unlock;
    this.#time = time;
    this.#electionMs = electionMs;
    this.#reach = new Reach(electionMs);
    this.#disk = new DiskWatch(needs, parts);
    this.#leadership = new Leadership(needs.log);
    this.#reads = new PendingReads(needs.clock, Math.floor(needs.random() * 2 ** 52));
    this.#proposer = new Proposer(needs, { raft: parts.raft, disk: this.#disk }, electionMs);
    this.fatal = new Promise((resolve) => this.#fail = resolve);
  }

  /** Begins to tick. Called once, by startReplica. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#lastTick = this.#needs.clock.monotonic();
    this.#tickLater();
    this.#transport?.setPeers?.(this.#peers = this.#raft.conf);
    signal?.addEventListener("abort", () => void this.stop().catch((error) => this.#poison(error)), { once: true });
    this.#turn();
    if (!this.#raft.isSoleVoter) return;
    await new Promise<void>((resolve) => {
      this.#started = resolve;
      this.#campaignAlone();
    });
    if (this.#failure) throw this.#failure;
  }

  /** Nobody else can win: no reason to wait for a timeout. */
  #campaignAlone(): void {
    if (this.#raft.role === "leader" || !this.#raft.isSoleVoter) return;
    this.#raft.campaign();
    this.#turn();
  }

  /** Resolves with the state machine's result once the entry is durable, committed and applied here. @throws StoreError */
  propose(payload: Uint8Array): Promise<unknown> {
    if (this.#failure) return Promise.reject(new StoreError("Closed", "Cannot write: the store has failed", { cause: this.#failure }));
    if (this.#stopping) return Promise.reject(new StoreError("Closed", "Cannot write: the store is closing"));
    const result = this.#proposer.propose(payload);
    this.#turnSoon();
    return result;
  }

  /** Resolves when a read of the state machine is linearizable, with the index that it shows at least. @throws StoreError NoQuorum, Closed */
  readIndex(): Promise<number> {
    if (this.#failure) return Promise.reject(new StoreError("Closed", "Cannot read: the store has failed", { cause: this.#failure }));
    if (this.#stopping) return Promise.reject(new StoreError("Closed", "Cannot read: the store is closing"));
    const { isSoleVoter, isEstablished, commitIndex, appliedIndex } = this.#raft;
    // Nobody else can have committed anything, and what was acknowledged is applied.
    if (isSoleVoter && isEstablished && appliedIndex === commitIndex) return Promise.resolve(commitIndex);
    const read = this.#reads.wait();
    this.#turnSoon();
    return read;
  }

  /** A message from another member of this cluster. */
  receive(message: Message): void {
    if (this.#failure || this.#closed) return;
    const { clock } = this.#needs;
    // Who hands over looks for one with room; it takes silence for no.
    if (message.type === "TimeoutNow" && this.#disk.isFull) return;
    try {
      if (message.type === "Propose") {
        const { from, proposal } = message;
        if (this.#raft.role === "leader" && this.#disk.lacksRoomFor(proposal.payload)) this.#raft.refuse(from, proposal);
        // Only the leader's clock stamps the log.
        else this.#raft.step({ ...message, proposal: { ...proposal, time: clock.now() } });
      } else this.#raft.step(message);
    } catch (error) {
      return this.#poison(error);
    }
    this.#turnSoon();
  }

  /** The bytes of the snapshot that this member has offered, for who fetches it. */
  snapshotBytes({ index, term }: SnapshotMeta): AsyncIterable<Uint8Array> {
    return this.#snapshotter.bytes(index, term);
  }

  /** A snapshot of everything that was acknowledged before the call, in a file of its own that nobody has to wait for. @throws StoreError */
  async backup(): Promise<BackupSource> {
    await this.readIndex();
    const raft = this.#raft, { appliedIndex } = raft;
    const meta = await this.#snapshotter.fresh(() => ({
      index: raft.appliedIndex,
      term: raft.termAt(raft.appliedIndex)!,
      time: this.#time,
    })).catch((cause) => {
      this.#poison(cause);
      throw new StoreError("Closed", "Cannot take a snapshot: the store has failed", { cause });
    });
    if (!meta) {
      throw new StoreError("NoSpace", `Cannot take a snapshot at entry ${appliedIndex}: there is no room for it, or this master stops`);
    }
    return { size: await this.#snapshotter.size(meta), bytes: () => this.#snapshotter.bytes(meta.index, meta.term) };
  }

  /** Proposes a change of the members; it is made when status().conf shows it. @throws StoreError NotLeader, Invalid; Overloaded: another one is under way */
  changeMembers(changes: readonly MemberChange[], options: { force?: boolean } = {}): void {
    const refusal = this.#raft.proposeConf(changes, this.#needs.clock.now(), options.force);
    if (refusal) throw refused(refusal);
    this.#turnSoon();
  }

  /** Hands leadership to another voter. @returns false when this member does not lead or that one is no voter */
  transfer(member: number): boolean {
    const begun = this.#raft.transfer(member);
    this.#turnSoon();
    return begun;
  }

  /** The state machine, for those who only look: metrics, and the judges of a simulation. */
  get raft(): RaftView {
    return this.#raft;
  }

  /** Called when something has changed of who leads, who the members are, and who of them is heard. Must neither throw nor wait. */
  subscribe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }
  /** False: this member leads, and has not heard that one for two election timeouts, or it is no member. */
  isHeard(member: number): boolean {
    return this.#reach.isHeard(member, this.#raft);
  }

  lead(name: string, work: (term: { signal: AbortSignal }) => Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#leadership.lead(name, work, signal);
  }

  status(): ReplicaStatus {
    const parts = { raft: this.#raft, wal: this.#wal, snapshotter: this.#snapshotter };
    return statusOf(parts, { time: this.#time, diskFull: this.#disk.isFull });
  }

  /** Takes no more writes, waits for those under way, hands leadership over, seals the log and closes it. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await Promise.race([this.#proposer.finish(new StoreError("Closed", "Cannot write: the store is closing")), this.fatal]);
    await Promise.race([this.#handOver(), this.fatal]);
    this.#closed = true;
    this.#cancelTick();
    this.#leadership.update(0);
    this.#reads.rejectAll(new StoreError("Closed", "Cannot read: the store is closing"));
    this.#wal.stopWaiting();
    await this.#snapshotter.close();
    await this.#appends.catch(() => {});
    if (!this.#failure) await this.#wal.seal().catch((error) => this.#poison(error));
    await this.#wal.close();
    await this.#unlock();
  }

  /** So that the others need not wait for an election timeout (thesis §3.10). Ends once another leads, or after as long as that would have taken them. */
  async #handOver(): Promise<void> {
    const successor = this.#raft.successor(), { clock, log } = this.#needs;
    if (successor === undefined || this.#failure || !this.transfer(successor)) return;
    const until = clock.monotonic() + this.#electionMs;
    while (clock.monotonic() < until && (this.#raft.leader === 0 || this.#raft.leader === this.#raft.id)) {
      await sleep(clock, handOverLookMs);
    }
    log.info("Leadership handed over before stopping", { leader: this.#raft.leader });
  }

  /** Runs a turn at the end of this task, so that everything proposed in it goes into one write. */
  #turnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    queueMicrotask(() => this.#turn());
  }

  #turn(): void {
    this.#turnDue = false;
    if (this.#failure || this.#yielding || this.#held || this.#closed) return;
    const { clock } = this.#needs, until = clock.monotonic() + storeSliceMs;
    try {
      const context = this.#reads.ask();
      if (context !== undefined) this.#raft.readIndex(context);
      for (let ready = this.#raft.take(); ready; ready = this.#raft.take()) {
        this.#obey(ready);
        if (ready.committed.length === 0 || clock.monotonic() < until) continue;
        this.#yielding = true;
        clock.after(0, () => {
          this.#yielding = false;
          this.#turn();
        });
        return;
      }
      this.#leadership.update(this.#raft.isEstablished ? this.#raft.term : 0);
      if (this.#started && this.#raft.isEstablished && this.#raft.appliedIndex === this.#raft.commitIndex) {
        this.#started();
        this.#started = undefined;
      }
    } catch (error) {
      this.#poison(error);
    }
  }

  #obey(ready: Ready): void {
    if (ready.append) this.#appends = this.#write(ready.append);
    this.#send(ready.messages);
    for (const read of ready.reads) {
      if (read.index === undefined) this.#reads.failed(read.context);
      else this.#reads.answered(read.context, read.index);
    }
    for (const each of ready.rejected) this.#proposer.refused(each);
    for (const entry of ready.committed) this.#apply(entry);
    const last = ready.committed[ready.committed.length - 1];
    if (last) this.#raft.applyDone(last.index);
    if (last) this.#snapshotIfDue(last);
    this.#reads.applied(this.#raft.appliedIndex);
    if (this.#raft.conf !== this.#peers) this.#transport?.setPeers?.(this.#peers = this.#raft.conf);
    const transport = this.#transport;
    if (ready.install && transport) void this.#install(ready.install, transport.fetch(ready.install, this.#raft.leader));
  }

  /** Only between two entries: that is what makes it a snapshot. */
  #snapshotIfDue(last: LogEntry): void {
    if (this.#snapshotter.isDue(last.index)) void this.#snapshotter.take(last, this.#time).catch((error) => this.#poison(error));
  }

  async #write(append: Append): Promise<void> {
    try {
      await this.#wal.append(append);
    } catch (error) {
      return this.#poison(error);
    }
    if (this.#failure) return;
    this.#lastWrite = this.#needs.clock.monotonic();
    this.#raft.appendDone(append.token);
    this.#send(append.messages);
    this.#turn();
  }

  async #install(meta: SnapshotMeta, source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      const time = await this.#snapshotter.install(meta, source, async () => {
        this.#held = true;
        await this.#appends;
      });
      if (time !== undefined) this.#time = Math.max(this.#time, time);
    } catch (error) {
      this.#poison(error);
    }
    this.#held = false;
    this.#turn();
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) this.#transport?.send(message);
  }

  #apply(entry: LogEntry): void {
    this.#time = Math.max(this.#time, entry.time);
    this.#snapshotter.applied(entry);
    const { machine } = this.#needs, { index, term, proposer, sequence } = entry;
    const payload = entry.type === "command" ? machine.keep(entry.payload) : empty;
    // The log holds an entry until long after a snapshot covers it; what came over the wire or from a caller may go.
    if (payload !== empty && payload !== entry.payload) this.#raft.movePayload(index, payload);
    const result = machine.apply({ index, term, time: this.#time, proposer, sequence, payload });
    this.#proposer.applied(entry, result);
  }

  #tickLater(): void {
    this.#cancelTick = this.#needs.clock.after(raftTickMs, () => this.#tick());
  }

  /** However late the timer is, one tick: a process that stood still must not hurry through elections. */
  #tick(): void {
    if (this.#failure) return;
    this.#tickLater();
    const now = this.#needs.clock.monotonic(), gap = now - this.#lastTick;
    this.#lastTick = now;
    try {
      if (gap > this.#electionMs) this.#raft.woke();
      this.#raft.tick();
      this.#campaignAlone();
      if (this.#reach.look(this.#raft, now)) { for (const observer of this.#observers) observer(); }
      this.#disk.tick();
      if (this.#disk.isFull) this.#makeRoom();
      this.#proposer.tick();
      this.#reads.expire(this.#electionMs);
    } catch (error) {
      return this.#poison(error);
    }
    if (!this.#wal.sealed && now - this.#lastWrite >= walSealMs) void this.#wal.seal().catch((error) => this.#poison(error));
    this.#turn();
  }

  /** A snapshot frees the log; leadership belongs where the log can grow. */
  #makeRoom(): void {
    this.#snapshotter.tidy();
    const last = this.#raft.entryAt(this.#raft.appliedIndex);
    if (last && !this.#held) this.#snapshotIfDue(last);
    if (this.#stopping || !this.#raft.isEstablished || this.#raft.isTransferring) return;
    const successor = this.#disk.successor();
    if (successor === undefined || !this.#raft.transfer(successor)) return;
    this.#needs.log.info("Leadership is handed over, since this disk is full", { to: successor });
  }

  #poison(cause: unknown): void {
    // What waited for room when this member was stopped has not been written, and nobody was told that it was.
    if (this.#failure || (this.#closed && cause instanceof NoRoom)) return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#failure = error;
    this.#cancelTick();
    this.#needs.log.error("The store has failed and answers nothing more; this process has to end", { error });
    this.#leadership.update(0);
    this.#proposer.rejectAll(new StoreError("Unknown", "Cannot tell whether the write was made: the store has failed", { cause: error }));
    this.#reads.rejectAll(new StoreError("Closed", "Cannot read: the store has failed", { cause: error }));
    this.#started?.();
    this.#fail(error);
  }
}

const empty = new Uint8Array(0);
