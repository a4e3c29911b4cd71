// The commands of scenario scripts (raft_script.ts): what can be done to the members on a stage.
import { Buffer } from "node:buffer";
import { encodeConf, type MemberChange, nobody } from "../../master/store/raft/membership.ts";
import type { LogEntry, Message } from "../../master/store/raft/message.ts";
import type { Raft } from "../../master/store/raft/raft.ts";
import { appendWords, emptyDisk, RaftStage, statusWords, store } from "./raft_stage.ts";
import { messageWords } from "./raft_words.ts";

/** The members of one script, and what it has ordered for its messages. */
export class Play {
  readonly stage: RaftStage;
  held: string[] = [];
  time = 0;
  /** So far, of all members. */
  proposals = 0;

  constructor(RaftClass: typeof Raft) {
    this.stage = new RaftStage(RaftClass);
  }

  /** @throws Error when there is no such command, or it cannot be done */
  run(line: string): void {
    const [name = "", ...words] = line.split(" ").filter((word) => word !== ""), command = commands[name];
    if (!command) throw new Error(`no such command: ${name}`);
    command(this, words);
  }

  with(id: string | undefined, act: (raft: Raft) => void): void {
    const actor = this.stage.up(Number(id));
    act(actor.raft);
    this.stage.obey(actor);
  }

  /** Takes the messages in flight that the words mean. */
  take(words: readonly string[], keeps = false): Message[] {
    const [which] = words, picks = which === "first" || which === "last", pattern = (picks ? words.slice(1) : words).join(" ");
    let found = this.stage.messages.filter((message) => pattern === "all" || messageWords(message).includes(pattern));
    if (found.length === 0 && pattern !== "all") throw new Error(`no message in flight contains "${pattern}"`);
    if (picks) found = which === "first" ? found.slice(0, 1) : found.slice(-1);
    if (!keeps) this.stage.messages = this.stage.messages.filter((message) => !found.includes(message));
    return found;
  }

  settle(): void {
    this.stage.tellsSent = false;
    try {
      for (let count = 0; count < 2_000; count++) {
        const at = this.stage.messages.findIndex((message) => !this.held.some((pattern) => messageWords(message).includes(pattern)));
        if (at < 0) {
          for (const message of this.stage.messages) this.stage.say(`${messageWords(message)}, held`);
          return;
        }
        this.stage.deliver(this.stage.messages.splice(at, 1)[0]!);
      }
    } finally {
      this.stage.tellsSent = true;
    }
    throw new Error("the members talk without end");
  }
}

type Command = (play: Play, words: readonly string[]) => void;

/** Each takes the words behind its name. N is a member's id, PATTERN a part of a message's line ("all": every one). */
const commands: Readonly<Record<string, Command>> = {
  /** 1 2 3 [learners 4] [append-bytes B] [election-ticks T] [genesis]: the members, all empty and up; their logs begin with who they are, so that others can join. */
  members(play, words) {
    const { stage } = play,
      numbers = (from: number) => numbersOf(words.slice(from)),
      after = (name: string) => numbers(words.indexOf(name) + 1);
    const learners = words.includes("learners") ? after("learners") : [];
    if (words.includes("append-bytes")) stage.appendBytes = after("append-bytes")[0];
    if (words.includes("election-ticks")) stage.electionTicks = after("election-ticks")[0]!;
    stage.conf = { voters: numbers(0), outgoing: [], learners, removed: [], addresses: {} };
    const payload = encodeConf({ changes: [], genesis: stage.conf }), type = "configuration";
    const genesis = {
      hardState: { term: 0, vote: 0, commit: 1 },
      entries: [{ ...proposal(""), type, payload, index: 1, term: 0 } as const],
    };
    for (const id of [...stage.conf.voters, ...learners]) {
      const actor = stage.start(id, { ...emptyDisk(), ...(words.includes("genesis") && genesis) });
      actor.raft.take(); // what it applies then is what it knows already
      actor.raft.applyDone(actor.raft.commitIndex);
    }
  },
  /** N [term T] [vote V] [commit C] [log T T T]: starts N anew with this on its disk: the terms of its entries. */
  disk(play, [id, ...words]) {
    const disk = emptyDisk(), after = (name: string) => words.includes(name) ? Number(words[words.indexOf(name) + 1]) : 0;
    const terms = words.includes("log") ? words.slice(words.indexOf("log") + 1).map(Number) : [];
    disk.entries = terms.map((term, at) => ({ ...proposal(String.fromCharCode(97 + at)), index: at + 1, term }));
    disk.hardState = { term: Math.max(after("term"), ...terms, 0), vote: after("vote"), commit: after("commit") };
    play.stage.obey(play.stage.start(Number(id), disk));
  },
  /** N: a member that knows nobody yet; the log will tell it. */
  join: (play, [id]) => void play.stage.start(Number(id), emptyDisk(), nobody),
  /** N|all [TIMES] */
  tick(play, [who, times = "1"]) {
    const { stage } = play, ids = who === "all" ? [...stage.actors.keys()] : [Number(who)];
    for (let at = 0; at < Number(times); at++) {
      for (const id of ids) {
        const actor = stage.actor(id);
        if (!actor.up) continue;
        actor.raft.tick();
        stage.obey(actor);
      }
    }
  },
  /** TIMES: everybody ticks, and everything arrives. */
  pass(play, [times]) {
    for (let at = 0; at < Number(times); at++) {
      play.stage.tellsSent = false;
      commands.tick!(play, ["all"]);
      play.settle();
    }
  },
  /** N: stands for election now, without waiting for the timeout. */
  campaign: (play, [id]) => play.with(id, (raft) => raft.campaign()),
  /** N: is elected, and everything has arrived; of that, only the end is told. */
  elect(play, [id]) {
    play.run(`campaign ${id}`);
    play.run("settle");
    play.stage.takeLines();
    if (play.stage.up(Number(id)).raft.role !== "leader") throw new Error(`member ${id} was not elected`);
    commands.status!(play, [id!]);
  },
  /** Does the rest of the line, and tells nothing of it. */
  quietly(play, words) {
    play.run(words.join(" "));
    play.stage.takeLines();
  },
  /** N TEXT TEXT …: proposals that come together; or N COUNT of SIZE MiB. */
  propose(play, [id, ...words]) {
    const sized = words[1] === "of", texts = sized ? Array.from({ length: Number(words[0]) }, (_, at) => `${at}`) : words;
    const payload = sized ? Buffer.alloc(Number(words[2]) * 1024 * 1024) : undefined;
    play.with(id, (raft) => {
      for (const text of texts) {
        const refusal = raft.propose({
          ...proposal(text),
          time: play.time,
          proposer: Number(id),
          sequence: ++play.proposals,
          ...(payload && { payload }),
        });
        if (refusal) play.stage.say(`${id} refuses ${text}: ${refusal}`);
      }
    });
  },
  /** TIME: of the proposals that follow. */
  clock: (play, [time]) => void (play.time = Number(time)),
  /** N add M, promote M, remove M …: a change of the members; "forced" at the end. */
  change(play, [id, ...words]) {
    const force = words.at(-1) === "forced", text = (force ? words.slice(0, -1) : words).join(" ");
    const changes = text.split(", ").map((each): MemberChange => {
      const [verb, member] = each.split(" ") as ["add" | "promote" | "remove", string];
      return { do: verb === "add" ? "addLearner" : verb, member: Number(member) };
    });
    play.with(id, (raft) => {
      const refusal = raft.proposeConf(changes, 0, force);
      if (refusal) play.stage.say(`${id} refuses the change: ${refusal}`);
    });
  },
  /** N CONTEXT */
  read: (play, [id, context]) => play.with(id, (raft) => raft.readIndex(Number(context))),
  /** N M: N hands leadership to M. */
  transfer(play, [id, to]) {
    play.with(id, (raft) => {
      if (!raft.transfer(Number(to))) play.stage.say(`${id} cannot hand over to ${to}`);
    });
  },
  /** [first|last] PATTERN: the messages arrive, in the order in which they were sent. */
  deliver: (play, words) => play.take(words).forEach((message) => play.stage.deliver(message)),
  /** [first|last] PATTERN: they arrive, and will once more. */
  repeat: (play, words) => play.take(words, true).forEach((message) => play.stage.deliver(message)),
  /** [first|last] PATTERN: they are lost. */
  drop: (play, words) => play.take(words).forEach((message) => play.stage.say(`${messageWords(message)}, lost`)),
  /** PATTERN: settle leaves them alone until "release". */
  hold: (play, words) => void play.held.push(words.join(" ")),
  release: (play) => void (play.held = []),
  /** Everything arrives, and what comes of it, until nobody has anything to say. */
  settle: (play) => play.settle(),
  /** N, or N→M: nothing passes between N and the others, or that way only; until "heal". */
  cut(play, [what]) {
    const { cut, actors } = play.stage;
    if (what!.includes("→")) cut.add(what!);
    else for (const other of actors.keys()) cut.add(`${what}→${other}`).add(`${other}→${what}`);
  },
  heal: (play) => play.stage.cut.clear(),
  /** N: from now on its disk writes when it is told to. */
  slow: (play, [id]) => void (play.stage.actor(Number(id)).isSlow = true),
  /** N: what its disk is writing is written. */
  write: (play, [id]) => play.stage.written(play.stage.up(Number(id))),
  /** N: its disk is quick again, and has written. */
  quick(play, [id]) {
    const actor = play.stage.actor(Number(id));
    actor.isSlow = false;
    if (actor.writing) play.stage.written(actor);
  },
  /** N [written]: it loses all but its disk, which has what was being written, or has not. */
  crash(play, [id, written]) {
    const actor = play.stage.up(Number(id));
    if (actor.writing) play.stage.say(`${id} was writing ${appendWords(actor.writing)}`);
    if (written === "written" && actor.writing) store(actor.disk, actor.writing);
    actor.writing = undefined;
    actor.up = false;
  },
  /** N: starts again with what its disk has. */
  restart(play, [id]) {
    const { stage } = play, before = stage.actor(Number(id)), actor = stage.start(Number(id), before.disk);
    actor.isSlow = before.isSlow;
    stage.say(statusWords(actor));
    stage.obey(actor);
  },
  /** N: its process stood still and goes on. */
  woke: (play, [id]) => play.with(id, (raft) => raft.woke()),
  /** N [COUNT]: a snapshot of what it has applied; its log keeps COUNT entries before that. */
  snapshot(play, [id, keep = "0"]) {
    const { stage } = play, { raft, disk } = stage.up(Number(id)), index = raft.appliedIndex, term = raft.termAt(index)!;
    disk.snapshot = { index, term, conf: raft.conf };
    const to = Math.max(disk.base.index, index - Number(keep)), base = { index: to, term: raft.termAt(to)! };
    disk.entries = disk.entries.slice(to - disk.base.index);
    disk.base = base;
    raft.snapshotTaken(disk.snapshot, to);
    stage.say(`${id} has a snapshot ${index}@${term}, and its log behind ${to}`);
  },
  /** N [fails]: the snapshot that it wants has come, is durable and restored; or cannot be had. */
  install(play, [id, fails]) {
    const { stage } = play, actor = stage.up(Number(id)), { offered: meta, disk, raft } = actor;
    if (!meta) throw new Error(`member ${id} wants no snapshot`);
    actor.offered = undefined;
    if (fails) raft.installFailed(meta);
    else {
      const at = meta.index - disk.base.index - 1;
      disk.entries = disk.entries[at]?.term === meta.term ? disk.entries.slice(at + 1) : [];
      disk.base = { index: meta.index, term: meta.term };
      disk.snapshot = meta;
      raft.snapshotInstalled(meta);
      stage.say(`${id} has the state at ${meta.index}@${meta.term}, and behind it ${disk.entries.length} entries on disk`);
    }
    stage.obey(actor);
  },
  /** [N …]: who each is, and its log. */
  status(play, ids) {
    const { stage } = play;
    for (const actor of stage.actors.values()) {
      if (ids.length > 0 && !ids.includes(String(actor.id))) continue;
      stage.say(actor.up ? statusWords(actor) : `${actor.id} is down`);
    }
  },
  /** N: what this leader knows of the others. */
  progress(play, [id]) {
    const { stage } = play, { raft } = stage.up(Number(id));
    for (const other of stage.actors.keys()) {
      const progress = raft.progressOf(other), sending = raft.sendingTo(other);
      if (!progress || !sending || other === raft.id) continue;
      const { state, paused, nextIndex } = sending, { matchIndex, active } = progress;
      stage.say(`${other}: ${state}${paused ? " (paused)" : ""}, has ${matchIndex}, next ${nextIndex}${active ? "" : ", silent"}`);
    }
  },
  /** What is on its way. */
  messages: (play) => play.stage.messages.forEach((message) => play.stage.say(messageWords(message))),
};

/** The numbers that words begin with. */
function numbersOf(words: readonly string[]): number[] {
  const end = words.findIndex((word) => Number.isNaN(Number(word)));
  return words.slice(0, end < 0 ? undefined : end).map(Number);
}

const proposal = (text: string): Omit<LogEntry, "index" | "term"> => ({
  type: "command",
  time: 0,
  proposer: 0,
  sequence: 0,
  payload: Buffer.from(text),
});
