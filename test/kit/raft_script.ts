// Scenario scripts: what is done to a few Raft members, and below each command what they do. A script is text:
//
//   # What it shows, and why that matters.
//   > members 1 2 3
//   > campaign 1
//     1 becomes preCandidate
//     …
//
// Lines that begin with "> " are commands (the table below has them all), with "#" comments, with two spaces the transcript. Messages stand as `from→to Type term
// …`; a command that picks some of them takes every message in flight whose line contains its words, and what a message brought about stands indented below it.
import { Buffer } from "node:buffer";
import { encodeConf, type MemberChange } from "../../master/store/raft/membership.ts";
import type { LogEntry, Message } from "../../master/store/raft/message.ts";
import type { Raft } from "../../master/store/raft/raft.ts";
import { appendWords, emptyDisk, RaftStage, statusWords, store } from "./raft_stage.ts";
import { messageWords } from "./raft_words.ts";

/** Runs every command of `text` on `RaftClass`. @returns the same text with the transcript that came out */
export function rewritten(text: string, RaftClass: typeof Raft): string {
  const script = new Script(RaftClass), lines: string[] = [];
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith("  ")) continue; // an older transcript
    lines.push(line);
    if (!line.startsWith("> ")) continue;
    try {
      lines.push(...script.run(line.slice(2)).map((told) => `  ${told}`));
    } catch (error) {
      lines.push(`  FAILED: ${(error as Error).message}`);
      break;
    }
  }
  return `${lines.join("\n")}\n`;
}

type Command = (script: Script, words: readonly string[]) => void;

/** Each takes the words behind its name. N is a member's id, PATTERN a part of a message's line ("all": every one). */
const commands: Readonly<Record<string, Command>> = {
  /** 1 2 3 [learners 4] [append-bytes B] [genesis]: the members, all empty and up; their logs begin with who they are, so that others can join. */
  members(script, words) {
    const { stage } = script, numbers = (from: number) => numbersOf(words.slice(from)), bytes = words.indexOf("append-bytes");
    const learners = words.includes("learners") ? numbers(words.indexOf("learners") + 1) : [];
    if (bytes >= 0) stage.appendBytes = Number(words[bytes + 1]);
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
  disk(script, [id, ...words]) {
    const disk = emptyDisk(), after = (name: string) => words.includes(name) ? Number(words[words.indexOf(name) + 1]) : 0;
    const terms = words.includes("log") ? words.slice(words.indexOf("log") + 1).map(Number) : [];
    disk.entries = terms.map((term, at) => ({ ...proposal(String.fromCharCode(97 + at)), index: at + 1, term }));
    disk.hardState = { term: Math.max(after("term"), ...terms, 0), vote: after("vote"), commit: after("commit") };
    script.stage.obey(script.stage.start(Number(id), disk));
  },
  /** N: a member that knows nobody yet; the log will tell it. */
  join: (script, [id]) =>
    void script.stage.start(Number(id), emptyDisk(), { voters: [], outgoing: [], learners: [], removed: [], addresses: {} }),
  /** N|all [TIMES] */
  tick(script, [who, times = "1"]) {
    const { stage } = script, ids = who === "all" ? [...stage.actors.keys()] : [Number(who)];
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
  pass(script, [times]) {
    for (let at = 0; at < Number(times); at++) {
      script.stage.tellsSent = false;
      commands.tick!(script, ["all"]);
      script.settle();
    }
  },
  /** N: stands for election now, without waiting for the timeout. */
  campaign: (script, [id]) => script.with(id, (raft) => raft.campaign()),
  /** N: is elected, and everything has arrived; of that, only the end is told. */
  elect(script, [id]) {
    script.run(`campaign ${id}`);
    script.run("settle");
    if (script.stage.up(Number(id)).raft.role !== "leader") throw new Error(`member ${id} was not elected`);
    commands.status!(script, [id!]);
  },
  /** Does the rest of the line, and tells nothing of it. */
  quietly(script, words) {
    script.run(words.join(" "));
  },
  /** N TEXT TEXT …: proposals that come together; or N COUNT of SIZE MiB. */
  propose(script, [id, ...words]) {
    const sized = words[1] === "of", texts = sized ? Array.from({ length: Number(words[0]) }, (_, at) => `${at}`) : words;
    const payload = sized ? Buffer.alloc(Number(words[2]) * 1024 * 1024) : undefined;
    script.with(id, (raft) => {
      for (const text of texts) {
        const refusal = raft.propose({ ...proposal(text), time: script.time, proposer: Number(id), ...(payload && { payload }) });
        if (refusal) script.stage.say(`${id} refuses ${text}: ${refusal}`);
      }
    });
  },
  /** TIME: of the proposals that follow. */
  clock: (script, [time]) => void (script.time = Number(time)),
  /** N add M, promote M, remove M …: a change of the members; "forced" at the end. */
  change(script, [id, ...words]) {
    const force = words.at(-1) === "forced", text = (force ? words.slice(0, -1) : words).join(" ");
    const changes = text.split(", ").map((each): MemberChange => {
      const [verb, member] = each.split(" ") as ["add" | "promote" | "remove", string];
      return { do: verb === "add" ? "addLearner" : verb, member: Number(member) };
    });
    script.with(id, (raft) => {
      const refusal = raft.proposeConf(changes, 0, force);
      if (refusal) script.stage.say(`${id} refuses the change: ${refusal}`);
    });
  },
  /** N CONTEXT */
  read: (script, [id, context]) => script.with(id, (raft) => raft.readIndex(Number(context))),
  /** N M: N hands leadership to M. */
  transfer(script, [id, to]) {
    script.with(id, (raft) => {
      if (!raft.transfer(Number(to))) script.stage.say(`${id} cannot hand over to ${to}`);
    });
  },
  /** [first|last] PATTERN: the messages arrive, in the order in which they were sent. */
  deliver: (script, words) => script.take(words).forEach((message) => script.stage.deliver(message)),
  /** [first|last] PATTERN: they arrive, and will once more. */
  repeat: (script, words) => script.take(words, true).forEach((message) => script.stage.deliver(message)),
  /** [first|last] PATTERN: they are lost. */
  drop: (script, words) => script.take(words).forEach((message) => script.stage.say(`${messageWords(message)}, lost`)),
  /** PATTERN: settle leaves them alone until "release". */
  hold: (script, words) => void script.held.push(words.join(" ")),
  release: (script) => void (script.held = []),
  /** Everything arrives, and what comes of it, until nobody has anything to say. */
  settle: (script) => script.settle(),
  /** N, or N→M: nothing passes between N and the others, or that way only; until "heal". */
  cut(script, [what]) {
    const { cut, actors } = script.stage;
    if (what!.includes("→")) cut.add(what!);
    else for (const other of actors.keys()) cut.add(`${what}→${other}`).add(`${other}→${what}`);
  },
  heal: (script) => script.stage.cut.clear(),
  /** N: from now on its disk writes when it is told to. */
  slow: (script, [id]) => void (script.stage.actor(Number(id)).isSlow = true),
  /** N: what its disk is writing is written. */
  write: (script, [id]) => script.stage.written(script.stage.up(Number(id))),
  /** N: its disk is quick again, and has written. */
  quick(script, [id]) {
    const actor = script.stage.actor(Number(id));
    actor.isSlow = false;
    if (actor.writing) script.stage.written(actor);
  },
  /** N [written]: it loses all but its disk, which has what was being written, or has not. */
  crash(script, [id, written]) {
    const actor = script.stage.up(Number(id));
    if (actor.writing) script.stage.say(`${id} was writing ${appendWords(actor.writing)}`);
    if (written === "written" && actor.writing) store(actor.disk, actor.writing);
    actor.writing = undefined;
    actor.up = false;
  },
  /** N: starts again with what its disk has. */
  restart(script, [id]) {
    const { stage } = script, before = stage.actor(Number(id)), actor = stage.start(Number(id), before.disk);
    actor.isSlow = before.isSlow;
    stage.say(statusWords(actor));
    stage.obey(actor);
  },
  /** N: its process stood still and goes on. */
  woke: (script, [id]) => script.with(id, (raft) => raft.woke()),
  /** N [COUNT]: a snapshot of what it has applied; its log keeps COUNT entries before that. */
  snapshot(script, [id, keep = "0"]) {
    const { stage } = script, { raft, disk } = stage.up(Number(id)), index = raft.appliedIndex, term = raft.termAt(index)!;
    disk.snapshot = { index, term, conf: raft.conf };
    const to = Math.max(disk.base.index, index - Number(keep)), base = { index: to, term: raft.termAt(to)! };
    disk.entries = disk.entries.slice(to - disk.base.index);
    disk.base = base;
    raft.snapshotTaken(disk.snapshot, to);
    stage.say(`${id} has a snapshot ${index}@${term}, and its log behind ${to}`);
  },
  /** N [fails]: the snapshot that it wants has come, is durable and restored; or cannot be had. */
  install(script, [id, fails]) {
    const { stage } = script, actor = stage.up(Number(id)), { offered: meta, disk, raft } = actor;
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
  status(script, ids) {
    const { stage } = script;
    for (const actor of stage.actors.values()) {
      if (ids.length > 0 && !ids.includes(String(actor.id))) continue;
      stage.say(actor.up ? statusWords(actor) : `${actor.id} is down`);
    }
  },
  /** N: what this leader knows of the others. */
  progress(script, [id]) {
    const { stage } = script, { raft } = stage.up(Number(id));
    for (const other of stage.actors.keys()) {
      const progress = raft.progressOf(other), sending = raft.sendingTo(other);
      if (!progress || !sending || other === raft.id) continue;
      const { state, paused, nextIndex } = sending, { matchIndex, active } = progress;
      stage.say(`${other}: ${state}${paused ? " (paused)" : ""}, has ${matchIndex}, next ${nextIndex}${active ? "" : ", silent"}`);
    }
  },
  /** What is on its way. */
  messages: (script) => script.stage.messages.forEach((message) => script.stage.say(messageWords(message))),
};

class Script {
  readonly stage: RaftStage;
  held: string[] = [];
  time = 0;

  constructor(RaftClass: typeof Raft) {
    this.stage = new RaftStage(RaftClass);
  }

  /** @returns what the members did */
  run(line: string): string[] {
    const [name = "", ...words] = line.split(" ").filter((word) => word !== ""), command = commands[name];
    if (!command) throw new Error(`no such command: ${name}`);
    command(this, words);
    const lines = this.stage.takeLines();
    return name === "quietly" ? [] : folded(lines);
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

/** Lines that repeat the one before are counted instead. */
function folded(lines: readonly string[]): string[] {
  const result: string[] = [];
  let count = 1;
  lines.forEach((line, at) => {
    if (line === lines[at + 1]) return void count++;
    result.push(count > 1 ? `${line} (${count} times)` : line);
    count = 1;
  });
  return result;
}

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
