// This process as one that proposes: hands what its callers write to whoever leads, again where it may have been lost, and settles each by what comes back through
// the log.
import { proposalBytes } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { DiskWatch } from "./disk_watch.ts";
import { newId } from "./identity.ts";
import { repeated } from "./machine.ts";
import { PendingProposals } from "./pending_proposals.ts";
import type { Refusal } from "./raft/core.ts";
import type { LogEntry } from "./raft/message.ts";
import type { Raft } from "./raft/raft.ts";
import type { Ready } from "./raft/ready.ts";
import { refused } from "./refusal.ts";
import { StoreError } from "./store.ts";

interface Parts {
  readonly raft: Pick<Raft, "leader" | "term" | "role" | "propose">;
  readonly disk: Pick<DiskWatch, "mayOverfill" | "lacksRoomFor">;
}

export class Proposer {
  readonly #clock: Clock;
  readonly #raft: Parts["raft"];
  readonly #disk: Parts["disk"];
  /** How long it is believed that a leader's disk is full. */
  readonly #patienceMs: number;
  readonly #pending: PendingProposals;
  /** Names this process: a proposal of an earlier one is nobody's. */
  readonly #incarnation: number;
  /** Who has said that his disk is full, and until when that is believed. */
  #full = { member: 0, untilMs: 0 };

  constructor({ clock, random }: { clock: Clock; random: Random }, { raft, disk }: Parts, patienceMs: number) {
    this.#clock = clock;
    this.#raft = raft;
    this.#disk = disk;
    this.#patienceMs = patienceMs;
    this.#pending = new PendingProposals(clock);
    this.#incarnation = newId(random);
  }

  /** Resolves with the state machine's result once the entry is durable, committed and applied here. @throws StoreError */
  propose(payload: Uint8Array): Promise<unknown> {
    if (payload.length > proposalBytes) {
      return Promise.reject(
        new StoreError("TooLarge", `Cannot write ${payload.length} bytes at once: the limit is ${proposalBytes} bytes`),
      );
    }
    if (this.#pending.isFull) return Promise.reject(refused("Overloaded"));
    const { sequence, result } = this.#pending.add(payload), refusal = this.#hand(sequence, payload);
    if (refusal === "Overloaded") this.#pending.reject(sequence, refused(refusal));
    return result;
  }

  /** To whoever leads now. Where nobody does, or leadership is being handed over, it waits for the next. */
  #hand(sequence: number, payload: Uint8Array): Refusal | undefined {
    const { leader, term, role } = this.#raft, isOurs = role === "leader";
    if (isOurs ? this.#disk.lacksRoomFor(payload) : this.#isFull(leader) && !this.#disk.mayOverfill(payload)) {
      // Of one that nobody has had yet, it is certain that it is not made. Any other may be, by whoever has had it, or of a copy on its way.
      if (!this.#pending.mayBeMade(sequence)) return void this.#pending.reject(sequence, refused("NoRoom"));
      if (isOurs) return undefined;
    }
    const refusal = this.#raft.propose({ type: "command", time: this.#clock.now(), proposer: this.#incarnation, sequence, payload });
    if (refusal === undefined) this.#pending.given(sequence, { leader, term });
    return refusal;
  }
  #isFull(member: number): boolean {
    return member === this.#full.member && this.#clock.monotonic() < this.#full.untilMs;
  }

  /** Every tick of the Raft clock. What may have been lost is proposed again: what has become of it does not matter, since each is applied once. */
  tick(): void {
    this.#pending.expire();
    if (this.#raft.leader === 0) return;
    for (const { sequence, payload } of this.#pending.due(this.#raft)) if (this.#hand(sequence, payload) !== undefined) return;
  }

  /** Never the end of it: the network may hold another copy, which arrives when there is room again. */
  refused({ proposer, sequence, by, noRoom }: Ready["rejected"][number]): void {
    if (proposer !== this.#incarnation) return;
    this.#pending.refused(sequence);
    if (noRoom) this.#full = { member: by, untilMs: this.#clock.monotonic() + this.#patienceMs };
  }

  /** Repeated: the caller has his result, or it has come to this member in a snapshot and is lost. */
  applied({ proposer, sequence }: LogEntry, result: unknown): void {
    if (proposer === this.#incarnation && result !== repeated) this.#pending.resolve(sequence, result);
  }

  /** Ends those that nobody has had. Resolves when the others have ended, too. */
  finish(error: Error): Promise<void> {
    this.#pending.rejectUngiven(error);
    return this.#pending.idle();
  }
  rejectAll(error: Error): void {
    this.#pending.rejectAll(error);
  }
}
