// A few Raft members in one place, with a network that loses, repeats, delays and cuts, and disks that take their time: everything drawn from one seed. Checks
// after every step what must hold whatever happens (Raft Fig. 3, and reads).
import { Buffer } from "node:buffer";
import { type Random, seeded } from "../../shared/util/clock.ts";
import { type ConfState, isVoter } from "../../master/store/raft/membership.ts";
import type { HardState, LogEntry, Message, SnapshotMeta } from "../../master/store/raft/message.ts";
import { Raft } from "../../master/store/raft/raft.ts";
import type { Append } from "../../master/store/raft/ready.ts";
import { store } from "./raft_stage.ts";

interface Disk {
  hardState: HardState;
  base: { index: number; term: number };
  entries: LogEntry[];
  snapshot: { meta: SnapshotMeta; items: string[] } | undefined;
}

export interface Node {
  readonly id: number;
  raft: Raft;
  readonly disk: Disk;
  /** What was applied, in order. */
  items: string[];
  writing: Append | undefined;
  up: boolean;
}

export class RaftCluster {
  readonly random: Random;
  readonly nodes = new Map<number, Node>();
  messages: Message[] = [];
  /** Pairs `from>to` that nothing passes. */
  readonly cut = new Set<string>();
  lossRate = 0;
  /** Acknowledged to the client: applied by the leader that was asked. */
  readonly acknowledged = new Set<string>();
  readonly #leaders = new Map<number, number>();
  /** Every entry that any member has applied, by index. */
  readonly #committed = new Map<number, string>();
  readonly #votes = new Map<string, number>();
  readonly #reads = new Map<number, number>();
  #highest = 0;
  #context = 0;
  answeredReads = 0;

  readonly #conf: ConfState;

  constructor(seed: number, ids: readonly number[], conf: ConfState = voters(ids)) {
    this.random = seeded(seed);
    this.#conf = conf;
    for (const id of ids) this.add(id);
  }

  /** A member with an empty disk; it learns of the others from the log. */
  add(id: number, conf: ConfState = this.#conf): Node {
    const disk: Disk = { hardState: { term: 0, vote: 0, commit: 0 }, base: { index: 0, term: 0 }, entries: [], snapshot: undefined };
    const node: Node = { id, disk, raft: this.#start(id, disk, conf), items: [], writing: undefined, up: true };
    this.nodes.set(id, node);
    return node;
  }

  #start(id: number, disk: Disk, conf: ConfState): Raft {
    const applied = disk.snapshot?.meta.index ?? 0, last = disk.base.index + disk.entries.length;
    const raft = new Raft({ id, heartbeatTicks: 1, electionTicks: 10, random: this.random }, {
      hardState: disk.hardState,
      conf: disk.snapshot?.meta.conf ?? conf,
      log: { base: disk.base, entries: disk.entries, commit: Math.max(applied, Math.min(disk.hardState.commit, last)), applied },
    });
    if (disk.snapshot) raft.snapshotTaken(disk.snapshot.meta, disk.base.index);
    return raft;
  }

  /** Loses everything but the disk. A write that was under way is there or not. */
  crash(node: Node): void {
    if (node.writing && this.random() < 0.5) store(node.disk, node.writing);
    node.writing = undefined;
    node.up = false;
  }
  restart(node: Node): void {
    node.raft = this.#start(node.id, node.disk, this.#conf);
    node.items = [...node.disk.snapshot?.items ?? []];
    node.up = true;
  }

  leader(): Node | undefined {
    const leaders = this.alive().filter(({ raft }) => raft.isEstablished);
    return leaders.sort((a, b) => b.raft.term - a.raft.term)[0];
  }
  alive(): Node[] {
    return [...this.nodes.values()].filter(({ up }) => up);
  }
  propose(node: Node, text: string): boolean {
    return node.raft.propose({ type: "command", time: 0, proposer: 0, sequence: 0, payload: Buffer.from(text) }) === undefined;
  }
  read(node: Node): void {
    this.#reads.set(++this.#context, this.#highest);
    node.raft.readIndex(this.#context);
  }
  /** Takes a snapshot of what `node` has applied, and forgets its log up to there. */
  snapshot(node: Node): void {
    const { raft, disk } = node, index = raft.appliedIndex, term = raft.termAt(index);
    if (node.writing || term === undefined || index <= disk.base.index) return;
    disk.snapshot = { meta: { index, term, conf: raft.conf }, items: [...node.items] };
    disk.entries = disk.entries.slice(index - disk.base.index);
    disk.base = { index, term };
    raft.snapshotTaken(disk.snapshot.meta, index);
  }

  isolate(id: number): void {
    for (const other of this.nodes.keys()) if (other !== id) this.cut.add(`${id}>${other}`).add(`${other}>${id}`);
  }
  heal(): void {
    this.cut.clear();
    this.lossRate = 0;
  }

  /** Everything that can happen without a tick, happens. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      for (const node of this.alive()) {
        this.#take(node);
        this.finishWrite(node);
      }
      const messages = this.messages;
      this.messages = [];
      if (messages.length === 0 && this.alive().every((node) => !this.#take(node) && !node.writing)) return;
      for (const message of messages) this.deliver(message);
    }
    throw new Error("the members talk without end");
  }
  tick(ticks = 1): void {
    for (let at = 0; at < ticks; at++) {
      for (const { raft } of this.alive()) raft.tick();
      this.settle();
    }
  }

  /** One thing, drawn by chance. */
  step(): void {
    const { random } = this, alive = this.alive();
    const node = alive[Math.floor(random() * alive.length)];
    const choice = random();
    if (node && choice < 0.12) node.raft.tick();
    else if (node && choice < 0.35) this.finishWrite(node);
    else if (this.messages.length > 0) {
      const at = Math.floor(random() * Math.min(this.messages.length, 12)), message = this.messages[at]!;
      // Else it comes again. Not so a proposal: a transport must not repeat those.
      if (message.type === "Propose" || random() >= 0.03) this.messages.splice(at, 1);
      if (random() >= this.lossRate) this.deliver(message);
    }
    for (const each of alive) this.#take(each);
  }

  deliver(message: Message): void {
    const node = this.nodes.get(message.to);
    if (!node?.up || this.cut.has(`${message.from}>${message.to}`)) return;
    node.raft.step(message);
  }

  finishWrite(node: Node): void {
    const append = node.writing;
    if (!append) return;
    node.writing = undefined;
    store(node.disk, append);
    node.raft.appendDone(append.token);
    this.messages.push(...append.messages);
    this.#take(node);
  }

  #take(node: Node): boolean {
    let any = false;
    for (let ready = node.raft.take(); ready; ready = node.raft.take()) {
      any = true;
      if (ready.append) node.writing = ready.append;
      this.messages.push(...ready.messages);
      for (const entry of ready.committed) this.#apply(node, entry);
      const last = ready.committed[ready.committed.length - 1];
      if (last) node.raft.applyDone(last.index);
      for (const { context, index } of ready.reads) this.#answered(context, index);
      if (ready.install) this.#install(node, ready.install);
      this.#check(node);
    }
    return any;
  }

  #apply(node: Node, entry: LogEntry): void {
    const text = `${entry.term} ${entry.type} ${Buffer.from(entry.payload)}`, known = this.#committed.get(entry.index);
    must(
      known === undefined || known === text,
      `state machine safety: ${node.id} applies ${text} at ${entry.index}, where ${known} was applied`,
    );
    this.#committed.set(entry.index, text);
    this.#highest = Math.max(this.#highest, entry.index);
    must(node.disk.base.index + node.disk.entries.length >= entry.index, `${node.id} applies ${entry.index} before it is on its disk`);
    if (entry.type !== "command") return;
    node.items.push(Buffer.from(entry.payload).toString());
    if (node.raft.role === "leader") this.acknowledged.add(Buffer.from(entry.payload).toString());
  }

  #answered(context: number, index: number | undefined): void {
    const least = this.#reads.get(context);
    this.#reads.delete(context);
    if (index === undefined || least === undefined) return;
    must(index >= least, `a read at ${index} misses ${least}, which was applied before it was asked`);
    this.answeredReads++;
  }

  /** The state comes from whoever still has just that snapshot. */
  #install(node: Node, meta: SnapshotMeta): void {
    const source = [...this.nodes.values()].find(({ disk }) =>
      disk.snapshot?.meta.index === meta.index && disk.snapshot.meta.term === meta.term
    );
    if (!source?.disk.snapshot || node.writing || node.raft.commitIndex >= meta.index) return node.raft.installFailed(meta);
    const { disk } = node, at = meta.index - disk.base.index - 1;
    disk.entries = disk.entries[at]?.term === meta.term ? disk.entries.slice(at + 1) : [];
    disk.base = { index: meta.index, term: meta.term };
    disk.snapshot = { meta, items: [...source.disk.snapshot.items] };
    node.items = [...disk.snapshot.items];
    node.raft.snapshotInstalled(meta);
  }

  #check(node: Node): void {
    const { raft, id } = node;
    if (raft.role === "leader") {
      const other = this.#leaders.get(raft.term);
      must(other === undefined || other === id, `election safety: ${other} and ${id} both lead term ${raft.term}`);
      if (other === undefined) this.#elected(node);
    }
    if (raft.vote !== 0) {
      const key = `${id}@${raft.term}`, before = this.#votes.get(key);
      must(before === undefined || before === raft.vote, `${id} votes for ${before} and ${raft.vote} in term ${raft.term}`);
      // Only what left the member binds it: a vote that a crash undid was never heard of.
      if (node.disk.hardState.term === raft.term && node.disk.hardState.vote === raft.vote) this.#votes.set(key, raft.vote);
    }
  }

  #elected({ raft, id }: Node): void {
    this.#leaders.set(raft.term, id);
    for (const [index, text] of this.#committed) {
      if (index < raft.firstIndex) continue;
      const entry = raft.entryAt(index);
      must(
        entry !== undefined && text === `${entry.term} ${entry.type} ${Buffer.from(entry.payload)}`,
        `leader completeness: ${id} in term ${raft.term} lacks ${index}`,
      );
    }
  }

  /** Log matching (Raft §5.3): the same index and term, the same entry and the same entries before it. */
  checkLogs(): void {
    const nodes = [...this.nodes.values()];
    for (const a of nodes) {
      for (const b of nodes) {
        let same = false;
        for (let index = Math.min(a.raft.lastIndex, b.raft.lastIndex); index >= Math.max(a.raft.firstIndex, b.raft.firstIndex); index--) {
          const one = a.raft.entryAt(index)!, other = b.raft.entryAt(index)!;
          same ||= one.term === other.term;
          if (same) {
            must(
              one.term === other.term && Buffer.compare(one.payload, other.payload) === 0,
              `log matching: ${a.id} and ${b.id} differ at ${index}`,
            );
          }
        }
      }
    }
  }

  /** The faults are over: a leader must come, and everybody must get to the same state. @returns the leader */
  recover(): Node {
    this.heal();
    for (const node of this.nodes.values()) if (!node.up) this.restart(node);
    for (let ticks = 0; ticks < 400; ticks++) {
      this.tick();
      const leader = this.leader();
      if (!leader) continue;
      const { conf, commitIndex } = leader.raft;
      const current = [...this.nodes.values()].filter(({ id }) => isVoter(conf, id) || conf.learners.includes(id));
      if (
        current.every(({ raft }) =>
          raft.appliedIndex === commitIndex && raft.lastIndex === leader.raft.lastIndex && raft.leader === leader.id
        )
      ) return leader;
    }
    const state = [...this.nodes.values()].map(({ id, raft }) =>
      `${id}: ${raft.role} term ${raft.term} leader ${raft.leader} ${raft.firstIndex}…${raft.lastIndex} commit ${raft.commitIndex} applied ${raft.appliedIndex}`
    );
    throw new Error(`no agreement after the faults ended: ${state.join("; ")}`);
  }
}

export const voters = (ids: readonly number[]): ConfState => ({ voters: [...ids], outgoing: [], learners: [], removed: [], addresses: {} });

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
