// Raft members on a stage: nothing happens by itself. Messages wait until somebody delivers or drops them, a slow disk writes when it is told to, and everything
// that a member does is a line of a transcript. Time is counted in ticks: three without a word, and a member helps others to depose its leader; four, and it
// stands for election itself.
import { type ConfState, nobody } from "../../master/store/raft/membership.ts";
import type { HardState, LogEntry, Message, SnapshotMeta } from "../../master/store/raft/message.ts";
import type { ProgressState } from "../../master/store/raft/progress.ts";
import type { Raft } from "../../master/store/raft/raft.ts";
import type { Append, Ready } from "../../master/store/raft/ready.ts";
import { confWords, entriesWords, logWords, messageWords } from "./raft_words.ts";

export interface StageDisk {
  hardState: HardState;
  base: { index: number; term: number };
  entries: LogEntry[];
  snapshot: SnapshotMeta | undefined;
}
export interface Actor {
  readonly id: number;
  raft: Raft;
  readonly disk: StageDisk;
  /** It writes when it is told to. */
  isSlow: boolean;
  writing: Append | undefined;
  up: boolean;
  /** A snapshot that it was offered and has not installed. */
  offered: SnapshotMeta | undefined;
  shown: Shown;
}
/** What the transcript has told of a member. */
interface Shown {
  readonly role: string;
  readonly term: number;
  readonly vote: number;
  readonly leader: number;
  readonly commit: number;
  readonly conf: string;
  readonly progress: ReadonlyMap<number, ProgressState>;
}

export const emptyDisk = (): StageDisk => ({
  hardState: { term: 0, vote: 0, commit: 0 },
  base: { index: 0, term: 0 },
  entries: [],
  snapshot: undefined,
});

export class RaftStage {
  readonly actors = new Map<number, Actor>();
  messages: Message[] = [];
  /** `from→to` that nothing passes. */
  readonly cut = new Set<string>();
  conf: ConfState = nobody;
  electionTicks = 3;
  /** Bytes of entries in one message. */
  appendBytes: number | undefined;
  /** Whether messages are told when they are sent, or only when they arrive. */
  tellsSent = true;
  readonly #Raft: typeof Raft;
  #lines: string[] = [];
  #indent = "";
  readonly #leaders = new Map<number, number>();
  readonly #applied = new Map<number, string>();

  /** @param RaftClass the state machine; another one for the stage's own test */
  constructor(RaftClass: typeof Raft) {
    this.#Raft = RaftClass;
  }

  say(line: string): void {
    this.#lines.push(this.#indent + line);
  }
  /** What was said since the last time. */
  takeLines(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  actor(id: number): Actor {
    const actor = this.actors.get(id);
    if (!actor) throw new Error(`there is no member ${id}`);
    return actor;
  }
  up(id: number): Actor {
    const actor = this.actor(id);
    if (!actor.up) throw new Error(`member ${id} is down`);
    return actor;
  }

  /** Starts a member, for the first time or again, with what its disk has. */
  start(id: number, disk: StageDisk, conf = this.conf): Actor {
    const last = disk.base.index + disk.entries.length, applied = disk.snapshot?.index ?? disk.base.index;
    const raft = new this.#Raft({
      id,
      heartbeatTicks: 1,
      electionTicks: this.electionTicks,
      random: () => 0.4, // of every timeout
      ...(this.appendBytes !== undefined && { appendBytes: this.appendBytes }),
    }, {
      hardState: disk.hardState,
      conf: disk.snapshot?.conf ?? conf,
      log: { base: disk.base, entries: disk.entries, commit: Math.max(applied, Math.min(disk.hardState.commit, last)), applied },
    });
    if (disk.snapshot) raft.snapshotTaken(disk.snapshot, disk.base.index);
    const actor = { id, raft, disk, isSlow: false, writing: undefined, up: true, offered: undefined, shown: shownOf(raft) };
    this.actors.set(id, actor);
    return actor;
  }

  deliver(message: Message): void {
    const target = this.actors.get(message.to), words = messageWords(message);
    if (!target?.up || this.cut.has(`${message.from}→${message.to}`)) return this.say(`${words}, lost`);
    this.say(words);
    const before = this.#indent;
    this.#indent += "  ";
    target.raft.step(message);
    this.obey(target);
    this.#indent = before;
  }

  /** Does what the member says has to happen, until it says nothing more. */
  obey(actor: Actor): void {
    this.#tellChanges(actor);
    for (let ready = actor.raft.take(); ready; ready = actor.raft.take()) this.#obeyOne(actor, ready);
    this.#tellChanges(actor);
  }

  #obeyOne(actor: Actor, ready: Ready): void {
    const { id, raft } = actor;
    this.#tellChanges(actor);
    this.#send(ready.messages);
    if (ready.append) {
      actor.writing = ready.append;
      this.say(`${id} ${actor.isSlow ? "begins to write" : "writes"} ${appendWords(ready.append)}`);
      if (!actor.isSlow) this.#written(actor);
    }
    if (ready.committed.length > 0) {
      this.say(`${id} applies ${entriesWords(ready.committed)}`);
      for (const entry of ready.committed) this.#mustAgree(id, entry);
      raft.applyDone(ready.committed.at(-1)!.index);
    }
    for (const { context, index } of ready.reads) this.say(`${id} read ${context} ${index === undefined ? "failed" : `may show ${index}`}`);
    for (const { sequence } of ready.rejected) this.say(`${id} learns that proposal ${sequence} was not appended`);
    if (ready.install) {
      actor.offered = ready.install;
      this.say(`${id} wants the snapshot ${ready.install.index}@${ready.install.term}`);
    }
    this.#tellChanges(actor);
  }

  /** The write under way is on the disk. */
  written(actor: Actor): void {
    if (!actor.writing) throw new Error(`member ${actor.id} is writing nothing`);
    this.say(`${actor.id} has written ${appendWords(actor.writing)}`);
    this.#written(actor);
    this.obey(actor);
  }
  #written(actor: Actor): void {
    const append = actor.writing!;
    actor.writing = undefined;
    store(actor.disk, append);
    actor.raft.appendDone(append.token);
    this.#tellChanges(actor);
    this.#send(append.messages);
  }

  #send(messages: readonly Message[]): void {
    this.messages.push(...messages);
    if (this.tellsSent) { for (const message of messages) this.say(messageWords(message)); }
  }

  #tellChanges(actor: Actor): void {
    const before = actor.shown, now = actor.shown = shownOf(actor.raft), { id } = actor, changes: string[] = [];
    if (now.role !== before.role) changes.push(`becomes ${now.role}`);
    if (now.term !== before.term) changes.push(`is in term ${now.term}`);
    if (now.vote !== before.vote && now.vote !== 0) changes.push(`votes for ${now.vote}`);
    if (now.leader !== before.leader && now.leader !== id) changes.push(now.leader === 0 ? "knows no leader" : `follows ${now.leader}`);
    if (now.commit !== before.commit) changes.push(`commits ${now.commit}`);
    if (changes.length > 0) this.say(`${id} ${changes.join(", ")}`);
    if (now.conf !== before.conf) this.say(`${id} has ${now.conf}`);
    for (const [member, state] of now.progress) {
      const was = before.progress.get(member);
      if (was !== state && member !== id && (was !== undefined || state !== "probe")) this.say(`${id} ${progressWords[state]} ${member}`);
    }
    if (now.role !== "leader") return;
    const other = this.#leaders.get(now.term);
    if (other !== undefined && other !== id) throw new Error(`${other} and ${id} both lead term ${now.term}`);
    this.#leaders.set(now.term, id);
  }

  /** Raft Fig. 3, state machine safety: a script must not show nonsense for years because nobody reads it. */
  #mustAgree(id: number, entry: LogEntry): void {
    const words = entriesWords([entry]), known = this.#applied.get(entry.index);
    if (known !== undefined && known !== words) throw new Error(`${id} applies ${words} where ${known} was applied`);
    this.#applied.set(entry.index, words);
  }
}

/** What a crash leaves of it all is what this has changed. */
export function store(disk: Pick<StageDisk, "hardState" | "base" | "entries">, append: Append): void {
  if (append.truncate) disk.entries = disk.entries.slice(0, Math.max(0, append.truncate.index - disk.base.index));
  disk.entries = [...disk.entries, ...append.entries.filter(({ index }) => index > disk.base.index)];
  if (append.hardState) disk.hardState = append.hardState;
}

const progressWords: Readonly<Record<ProgressState, string>> = {
  probe: "probes",
  replicate: "replicates to",
  snapshot: "offers a snapshot to",
};

export function appendWords({ truncate, entries, hardState }: Append): string {
  return [
    ...(hardState ? [`term ${hardState.term}, vote ${hardState.vote}, commit ${hardState.commit}`] : []),
    ...(truncate ? [`nothing stays behind ${truncate.index}`] : []),
    ...(entries.length > 0 ? [entriesWords(entries)] : []),
  ].join("; ") || "nothing";
}

function shownOf(raft: Raft): Shown {
  const { role, term, vote, leader, commitIndex: commit } = raft, conf = confWords(raft.conf);
  const ids = [...raft.conf.voters, ...raft.conf.outgoing, ...raft.conf.learners];
  const progress = new Map(ids.flatMap((id) => {
    const state = raft.sendingTo(id)?.state;
    return state === undefined ? [] : [[id, state] as const];
  }));
  return { role, term, vote, leader, commit, conf, progress };
}

export const statusWords = ({ id, raft }: Actor): string => {
  const who = raft.role === "leader" ? "leads" : raft.leader === 0 ? "follows nobody in" : `follows ${raft.leader} in`;
  const role = raft.role === "leader" || raft.role === "follower" ? who : `is ${raft.role} in`;
  return `${id} ${role} term ${raft.term}${raft.vote ? ` (vote ${raft.vote})` : ""}; log ${
    logWords(raft)
  }; durable ${raft.durableIndex}, commit ${raft.commitIndex}, applied ${raft.appliedIndex}`;
};
