// The replicated state: keys with their history, leases, log time, and what of whom has been applied. One entry in, one result out; one revision for each transaction that writes.
import { assert } from "../../shared/util/assert.ts";
import { storeLeases } from "../../shared/limits.ts";
import type { Agreement } from "./agreement.ts";
import { type Command, decodeCommand, mayOverfill } from "./command.ts";
import { Leases } from "./lease.ts";
import { type Entry, repeated, type StateMachine } from "./machine.ts";
import { Mvcc } from "./mvcc.ts";
import { Proposers } from "./proposers.ts";
import { readSections, sections } from "./sections.ts";
import type { TransactionResult } from "./store.ts";
import { Refusal, refuseForm, run } from "./transaction.ts";

/** Told after each entry that made events, and when the whole state was replaced. */
export interface Audience {
  /** The last `events` of the log have been added, all at the newest revision. */
  written(events: number): void;
  /** @param lastRevision the newest revision before */
  replaced(lastRevision: number): void;
}

export interface Granted {
  readonly lease: number;
}
/** What `apply` returns; undefined for commands whose success says it all. */
export type Outcome = TransactionResult | Granted | Refusal | typeof repeated | undefined;

export class State implements StateMachine {
  #mvcc = new Mvcc();
  #leases = new Leases();
  #proposers = new Proposers();
  #time = 0;
  #audience: Audience | undefined;
  #witness: Pick<Agreement, "asked" | "vouched"> | undefined;

  get mvcc(): Mvcc {
    return this.#mvcc;
  }
  get leases(): Leases {
    return this.#leases;
  }
  /** Log time of the last applied entry, ms since 1970; 0 before the first. */
  get time(): number {
    return this.#time;
  }

  /** There is one audience: the watchers of this member. */
  listen(audience: Audience): void {
    this.#audience = audience;
  }

  keep(payload: Uint8Array): Uint8Array {
    return this.#mvcc.keep(payload);
  }

  /** Compares the states of the members; it changes nothing. */
  attest(witness: Pick<Agreement, "asked" | "vouched">): void {
    this.#witness = witness;
  }

  apply(entry: Entry): Outcome {
    this.#time = Math.max(this.#time, entry.time);
    if (entry.payload.length === 0) return undefined;
    if (entry.proposer !== 0 && !this.#proposers.first(entry.proposer, entry.sequence)) return repeated;
    return this.#carryOut(decodeCommand(entry.payload), entry.index);
  }

  #carryOut(command: Command, index: number): Outcome {
    switch (command.do) {
      case "transact": {
        const refusal = refuseForm(command.transaction);
        if (refusal) return refusal;
        const ran = run(this.#mvcc, this.#leases, command.transaction, command.quotaBytes);
        if (ran instanceof Refusal) return ran;
        this.#commit();
        return { succeeded: ran.succeeded, revision: this.#mvcc.revision, time: this.#time, results: ran.results };
      }
      case "compact": {
        const { revision } = this.#mvcc;
        if (command.revision > revision) {
          return new Refusal("Future", `Cannot compact at revision ${command.revision}: the newest is ${revision}`, revision);
        }
        this.#mvcc.compact(command.revision);
        return undefined;
      }
      case "grant":
        if (this.#leases.size >= storeLeases) {
          return new Refusal("NoSpace", `Cannot grant a lease: there are ${storeLeases}, which is the limit`);
        }
        return { lease: this.#leases.grant(command.ttlMs, this.#time) };
      case "keepAlive":
        return this.#leases.keepAlive(command.lease, this.#time) ? undefined : noLease("renew", command.lease);
      case "revoke":
        return this.#leases.has(command.lease) ? this.#endLease(command.lease) : noLease("revoke", command.lease);
      case "expire":
        // Renewed, or ended already, between proposal and log: nothing is wrong, and nothing happens.
        return this.#leases.expired(command, this.#time) ? this.#endLease(command.lease) : undefined;
      case "attest":
        return void this.#witness?.asked(index, () => this.snapshot().bytes);
      case "vouch":
        return void this.#witness?.vouched({ ...command.vouch, digest: command.vouch.digest.slice() });
      default:
        command satisfies never;
    }
  }

  #endLease(lease: number): undefined {
    for (const key of this.#leases.end(lease)) this.#mvcc.delete(key);
    this.#commit();
  }

  #commit(): void {
    const events = this.#mvcc.commit();
    if (events > 0) this.#audience?.written(events);
  }

  /**
   * Goes on at `revision`, with no history before it. For the first state of a new life of the cluster: clients may have seen revisions of the old one that this
   * state never had, and whoever asks for any of them must begin anew instead of going back in time.
   */
  leapTo(revision: number): void {
    assert(revision >= this.#mvcc.revision, `revision ${this.#mvcc.revision} would go back to ${revision}`);
    this.#mvcc.restoreRevisions(revision, revision);
  }

  mayOverfill(payload: Uint8Array): boolean {
    return mayOverfill(payload);
  }

  snapshot(): { readonly revision: number; readonly compactRevision: number; readonly bytes: Iterable<Uint8Array> } {
    const { revision, compactRevision } = this.#mvcc;
    return { revision, compactRevision, bytes: sections(this.#mvcc, this.#leases, this.#proposers, this.#time) };
  }

  async restore(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const read = await readSections(bytes);
    assert(read.mvcc.revision >= this.#mvcc.revision || this.#time === 0, "a snapshot older than the state must not replace it");
    const lastRevision = this.#mvcc.revision;
    this.#mvcc = read.mvcc;
    this.#leases = read.leases;
    this.#proposers = read.proposers;
    this.#time = read.time;
    this.#audience?.replaced(lastRevision);
  }
}

const noLease = (verb: string, lease: number): Refusal =>
  new Refusal("Invalid", `Cannot ${verb} lease ${lease}: there is none of that number`);
