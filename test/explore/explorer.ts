// Every order of everything that can happen to three members, breadth first: each message arrives at any time, or never, or many times; each write is done at any later
// time; clients propose, timeouts fire and members crash whenever they like, within a scope. A state is three members, the messages that were ever sent, and the history;
// two are the same if the ids can be dealt so that they are. After each step everything that must hold is looked at (members.ts for one member, history.ts between them).
//
// A message that was sent may arrive from then on: that it never does is what losing it comes to, and that it has arrived does not keep it from doing so again. What its
// receiver would neither answer nor remember is forgotten.
import type { Message } from "../../master/store/raft/message.ts";
import { assert } from "../../shared/util/assert.ts";
import type { RaftSource } from "../kit/raft_source.ts";
import { Frontier } from "./frontier.ts";
import { GrowingArray, PairTable } from "./hashes.ts";
import { Broken, Histories, mustFit, witnessed } from "./history.ts";
import { type Facts, type Happening, happenings, ids, Members, renamings, type Scope, type Transition } from "./members.ts";
import type { Situation } from "./situations.ts";

/** Each in all. */
export interface Bounds extends Scope {
  readonly crashes: number;
  readonly ticks: number;
}
export interface Limits {
  /** Bytes of all tables together. */
  readonly memoryBytes: number;
  /** True: stop now. Asked now and then. */
  isOver(): boolean;
}
/** One step: what happens to which member; or a message that arrives. */
export type Step = { readonly member: number; readonly happening: Happening } | { readonly message: Message };
export interface Finding {
  readonly words: string;
  readonly situation: Situation;
  readonly steps: readonly Step[];
}

/** Numbers of a state before its messages: the members, the history. The messages' numbers follow, ascending. */
const head = ids.length + 1;
const dealings = renamings.length, memberSteps = ids.length * happenings.length;

export class Explorer {
  readonly members: Members;
  readonly #histories = new Histories();
  readonly #frontier = new Frontier();
  readonly #visited = new PairTable(false);
  readonly #parents = new GrowingArray();
  readonly #steps = new GrowingArray();
  readonly #bounds: Bounds;
  readonly #beginnings: readonly Situation[];
  readonly #state = new Int32Array(4096);
  #length = 0;
  /** Of #state, for every dealing of the ids. */
  readonly #base = new Int32Array(dealings * 2);
  /** By message: the last state expanded that has it. */
  #present = new Int32Array(4096);
  readonly #next = new Int32Array(4096);
  readonly #hashes = new Int32Array(dealings * 2);
  /** States gone on from. */
  expanded = 0;
  /** Steps that every state found so far needs at most. */
  depth = 0;
  #depthEnds: number;

  constructor(source: RaftSource, bounds: Bounds, beginnings: readonly Situation[]) {
    this.members = new Members(source, bounds);
    this.#bounds = bounds;
    this.#beginnings = beginnings;
    for (const situation of beginnings) {
      const numbers = this.#numbersOf(situation);
      this.#next.set(numbers);
      this.#addUp(this.#hashes, this.#next, numbers.length);
      assert(this.#isNew(), `two situations are the same, one of them is ${situation.name}`);
      this.#remember(numbers.length, 0, 0);
    }
    this.#depthEnds = beginnings.length;
  }

  get states(): number {
    return this.#visited.size;
  }
  get frontier(): number {
    return this.#frontier.size;
  }
  get bytes(): number {
    return this.#visited.bytesToGrow + this.#frontier.bytes + this.#parents.bytes + this.#steps.bytes + this.members.bytes;
  }

  /** Goes on until everything is seen, something is wrong, or a limit is reached. @returns what ended it */
  run(limits: Limits): "complete" | "time" | "memory" | Finding {
    for (let count = 1; this.#frontier.size > 0; count++) {
      if ((count & 255) === 0) {
        if (limits.isOver()) return "time";
        if (this.bytes > limits.memoryBytes) return "memory";
      }
      if (this.expanded === this.#depthEnds) {
        this.depth++;
        this.#depthEnds = this.states;
      }
      this.#length = this.#frontier.shift(this.#state);
      const number = this.expanded++;
      const found = this.#expand(number);
      if (found) return found;
    }
    return "complete";
  }

  #expand(number: number): Finding | undefined {
    this.#addUp(this.#base, this.#state, this.#length);
    this.#mark(number + 1);
    const last = memberSteps + this.#length - head;
    for (let step = 0; step < last; step++) {
      try {
        this.#take(number, step);
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        return { words: error.message, ...this.#wayTo(number, step) };
      }
    }
    return undefined;
  }

  /** Looks at what comes of one step, and remembers it if it is new. @throws Broken */
  #take(number: number, step: number): void {
    const outcome = this.#outcome(step);
    if (!outcome) return;
    const { at, transition, history } = outcome, { facts } = this.members;
    // When a disk goes to a later term, messages are forgotten; else only few of the numbers change.
    const forgets = facts[transition.next]!.diskTerm !== facts[this.#state[at]!]!.diskTerm;
    let length = 0;
    if (forgets) {
      length = this.#build(outcome);
      this.#addUp(this.#hashes, this.#next, length);
    } else {
      this.#hashes.set(this.#base);
      this.#exchange(this.members.memberHashes, this.#state[at]!, transition.next);
      this.#exchange(this.#histories.hashes, this.#state[head - 1]!, history);
      for (const message of transition.sent) {
        if (this.#present[message] === number + 1 || this.#isForgotten(message, facts[this.#memberAfter(outcome, message)]!.diskTerm)) {
          continue;
        }
        add(this.#hashes, this.members.messageHashes[message]!);
      }
    }
    if (!this.#isNew()) return;
    if (!forgets) length = this.#build(outcome);
    this.#remember(length, number, step);
    mustFit(this.#factsOf(this.#next), this.#histories.all[history]!);
  }

  /** The first numbers of steps are what happens to members, then comes one for each message. @returns undefined where that step is none. @throws Broken */
  #outcome(step: number): Outcome | undefined {
    const { members } = this;
    let history = this.#state[head - 1]!, at: number, transition: Transition | undefined;
    if (step < memberSteps) {
      const happening = happenings[step % happenings.length]!, { crashes, ticks } = this.#histories.all[history]!;
      const isCrash = happening === "crash" || happening === "crash written", isTick = happening === "tick";
      if ((isCrash && crashes >= this.#bounds.crashes) || (isTick && ticks >= this.#bounds.ticks)) return undefined;
      at = Math.floor(step / happenings.length);
      transition = members.happens(this.#state[at]!, happening);
      if (!transition) return undefined;
      if (isCrash || isTick) history = this.#histories.counted(history, isCrash);
    } else {
      const message = this.#state[head + step - memberSteps]!;
      at = members.messages[message]!.to - 1;
      transition = members.hears(this.#state[at]!, message);
    }
    const before = this.#state[at]!;
    if (transition.broken !== undefined) throw new Broken(transition.broken);
    if (transition.next === before && transition.sent.length === 0) return undefined;
    if (members.facts[transition.next]!.shape !== members.facts[before]!.shape) {
      const facts = this.#factsOf(this.#state), now = facts[at] = members.facts[transition.next]!;
      history = this.#histories.number(witnessed(this.#histories.all[history]!, now, facts));
    }
    return { at, transition, history };
  }

  /** Makes #next of #state. @returns its length */
  #build(outcome: Outcome): number {
    const { at, transition: { next, sent }, history } = outcome, { facts, messages } = this.members;
    for (let member = 0; member < ids.length; member++) this.#next[member] = member === at ? next : this.#state[member]!;
    this.#next[head - 1] = history;
    // Both lists ascend: merge them.
    let end = head, read = head, send = 0;
    while (read < this.#length || send < sent.length) {
      const old = read < this.#length ? this.#state[read]! : Infinity, fresh = send < sent.length ? sent[send]! : Infinity;
      const message = Math.min(old, fresh);
      if (old === message) read++;
      if (fresh === message) send++;
      if (!this.#isForgotten(message, facts[this.#next[messages[message]!.to - 1]!]!.diskTerm)) this.#next[end++] = message;
    }
    return end;
  }

  /** The number of the member, after the step, to whom this message goes. */
  #memberAfter({ at, transition }: Outcome, message: number): number {
    const to = this.members.messages[message]!.to - 1;
    return to === at ? transition.next : this.#state[to]!;
  }
  /** An answer to a term that its receiver's disk has left behind. It can never come back to it, not even by a crash, and says nothing to it. */
  #isForgotten(message: number, diskTerm: number): boolean {
    const found = this.members.messages[message]!;
    switch (found.type) {
      case "PreVoteResponse":
        return found.granted ? found.term <= diskTerm : found.term < diskTerm;
      case "VoteResponse":
      case "AppendResponse":
      case "HeartbeatResponse":
        return found.term < diskTerm;
      default:
        return false;
    }
  }

  #factsOf(state: Int32Array): Facts[] {
    const { facts } = this.members;
    return [facts[state[0]!]!, facts[state[1]!]!, facts[state[2]!]!];
  }
  #addUp(sums: Int32Array, state: Int32Array, length: number): void {
    sums.fill(0);
    for (let member = 0; member < ids.length; member++) add(sums, this.members.memberHashes[state[member]!]!);
    add(sums, this.#histories.hashes[state[head - 1]!]!);
    for (let at = head; at < length; at++) add(sums, this.members.messageHashes[state[at]!]!);
  }
  #exchange(hashes: readonly Int32Array[], before: number, after: number): void {
    if (before === after) return;
    const minus = hashes[before]!, plus = hashes[after]!;
    for (let at = 0; at < dealings * 2; at++) this.#hashes[at] = (this.#hashes[at]! - minus[at]! + plus[at]!) | 0;
  }
  #mark(stamp: number): void {
    if (this.members.messages.length > this.#present.length / 2) {
      const longer = new Int32Array(this.#present.length * 4);
      longer.set(this.#present);
      this.#present = longer;
    }
    for (let at = head; at < this.#length; at++) this.#present[this.#state[at]!] = stamp;
  }

  /** Notes the hash of the state in #hashes: of all dealings, the lowest. @returns false when it is known */
  #isNew(): boolean {
    let high = this.#hashes[0]!, low = this.#hashes[1]!;
    for (let at = 2; at < dealings * 2; at += 2) {
      const otherHigh = this.#hashes[at]!, otherLow = this.#hashes[at + 1]!;
      if (otherHigh < high || (otherHigh === high && otherLow < low)) {
        high = otherHigh;
        low = otherLow;
      }
    }
    return this.#visited.add(high, low);
  }
  #remember(length: number, from: number, step: number): void {
    this.#frontier.push(this.#next, length);
    this.#parents.push(from);
    this.#steps.push(step);
  }

  /** The way to `step` from the state of this number. */
  #wayTo(number: number, step: number): Pick<Finding, "situation" | "steps"> {
    const numbers = [step];
    let state = number;
    for (; state >= this.#beginnings.length; state = this.#parents.get(state)) numbers.push(this.#steps.get(state));
    // The numbers say what happened only together with the states in which it did: go the way again.
    const situation = this.#beginnings[state]!, beginning = this.#numbersOf(situation);
    this.#state.set(beginning);
    this.#length = beginning.length;
    const steps = numbers.reverse().map((taken, at) => {
      const words = this.#stepOf(taken), outcome = at < numbers.length - 1 ? this.#outcome(taken) : undefined;
      if (!outcome) return words;
      this.#length = this.#build(outcome);
      this.#state.set(this.#next.subarray(0, this.#length));
      return words;
    });
    return { situation, steps };
  }
  #stepOf(step: number): Step {
    if (step < memberSteps) return { member: ids[Math.floor(step / happenings.length)]!, happening: happenings[step % happenings.length]! };
    return { message: this.members.messages[this.#state[head + step - memberSteps]!]! };
  }
  #numbersOf({ disks, leaders, committed, messages = [] }: Situation): number[] {
    const history = this.#histories.number({ leaders, committed, crashes: 0, ticks: 0 });
    return [
      ...ids.map((id, at) => this.members.initial(id, disks[at]!)),
      history,
      ...messages.map((message) => this.members.messageNumber(message)),
    ];
  }
}

/** What comes of a step for the member at place `at`, and for the history. */
interface Outcome {
  readonly at: number;
  readonly transition: Transition;
  readonly history: number;
}

function add(sums: Int32Array, hashes: Int32Array): void {
  for (let at = 0; at < dealings * 2; at++) sums[at] = (sums[at]! + hashes[at]!) | 0;
}
