// One member, told things by hand.
import * as assert from "uvu/assert";
import { Buffer } from "node:buffer";
import type { Body, EntryType, HardState, LogEntry, Message, MessageOf } from "../../../../master/store/raft/message.ts";
import { Raft } from "../../../../master/store/raft/raft.ts";
import type { Append } from "../../../../master/store/raft/ready.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import { voters } from "../../../kit/raft_cluster.ts";

export const entry = (index: number, term: number, text = `${index}@${term}`, type: EntryType = "command"): LogEntry => ({
  index,
  term,
  type,
  time: 0,
  proposer: 0,
  sequence: 0,
  payload: Buffer.from(text),
});

/** Member 1 at its desk: `out` collects what it may send, writes finish when told to. */
export class Desk {
  sequence = 0;
  readonly raft: Raft;
  out: Message[] = [];
  applied: LogEntry[] = [];
  reads: { context: number; index?: number }[] = [];
  append: Append | undefined;

  constructor(
    options: {
      conf?: ReturnType<typeof voters>;
      hardState?: Partial<HardState>;
      entries?: LogEntry[];
      base?: { index: number; term: number };
      appendBytes?: number;
    } = {},
  ) {
    const { conf = voters([1, 2, 3]), hardState = {}, entries = [], base = { index: 0, term: 0 }, appendBytes } = options;
    const state = { term: 0, vote: 0, commit: base.index, ...hardState };
    this.raft = new Raft({ id: 1, heartbeatTicks: 1, electionTicks: 10, random: seeded(1), ...(appendBytes && { appendBytes }) }, {
      hardState: state,
      conf,
      log: { base, entries, commit: state.commit, applied: base.index },
    });
  }
  /** Obeys take(), but leaves the write under way. */
  take(): this {
    for (let ready = this.raft.take(); ready; ready = this.raft.take()) {
      if (ready.append) this.append = ready.append;
      this.out.push(...ready.messages);
      this.applied.push(...ready.committed);
      const last = ready.committed[ready.committed.length - 1];
      if (last) this.raft.applyDone(last.index);
      this.reads.push(...ready.reads);
    }
    return this;
  }
  finish(): this {
    for (this.take(); this.append; this.take()) {
      const { token, messages } = this.append;
      this.append = undefined;
      this.raft.appendDone(token);
      this.out.push(...messages);
    }
    return this;
  }
  hear(from: number, term: number, body: Body): this {
    this.raft.step({ ...body, from, to: 1, term } as Message);
    return this;
  }
  tick(ticks: number): this {
    for (let at = 0; at < ticks; at++) {
      this.raft.tick();
      this.take();
    }
    return this;
  }
  /** What was sent of this type since the last look. */
  sent<T extends Body["type"]>(type: T): MessageOf<T>[] {
    const found = this.out.filter((message) => message.type === type) as MessageOf<T>[];
    this.out = this.out.filter((message) => message.type !== type);
    return found;
  }
  /** Elected by member 2. */
  lead(): this {
    this.tick(20).finish();
    const { term } = this.raft;
    this.hear(2, term + 1, { type: "PreVoteResponse", granted: true }).finish();
    this.hear(2, this.raft.term, { type: "VoteResponse", granted: true }).finish();
    assert.is(this.raft.role, "leader");
    this.out = [];
    return this;
  }
  /** Leads, and its no-op is committed. */
  leadFirmly(): this {
    this.lead();
    this.hear(2, this.raft.term, { type: "AppendResponse", index: this.raft.lastIndex }).finish();
    assert.ok(this.raft.isEstablished);
    this.out = [];
    return this;
  }
  propose(text: string): this {
    this.raft.propose({ type: "command", time: 0, proposer: 1, sequence: ++this.sequence, payload: Buffer.from(text) });
    return this;
  }
}
export const append = (previousIndex: number, previousTerm: number, entries: LogEntry[], commit = 0) => ({
  type: "Append" as const,
  previousIndex,
  previousTerm,
  entries,
  commit,
});
