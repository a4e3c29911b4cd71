// Do all members have the same state? Now and then the leader has the log say so: each member makes a digest of its state at that entry, and says it through the
// log. Who finds that most others have another one has applied something wrongly, or its memory has failed: it must not answer anybody any more.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { InvariantError } from "../../shared/util/assert.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Command } from "./command.ts";

/** What a member says of its state at one entry. */
export interface Vouch {
  readonly index: number;
  readonly member: number;
  /** SHA-256 of the state as snapshots hold it (sections.ts). */
  readonly digest: Uint8Array;
}

export interface AgreementNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly member: number;
  propose(command: Command): Promise<unknown>;
  /** This member is wrong. */
  fail(error: Error): void;
}

export class Agreement {
  readonly #needs: AgreementNeeds;
  readonly #signal: AbortSignal;
  /** Of the newest entry that was asked about: digests by member, in hex. */
  #vouches = new Map<number, string>();
  #index = 0;
  #own: string | undefined;
  #isBusy = false;
  #hasTold = false;

  constructor(needs: AgreementNeeds, signal: AbortSignal) {
    this.#needs = needs;
    this.#signal = signal;
  }

  /** The log asks, with its entry `index`. @param state the state at it, in pieces; not called when the last question is not answered yet */
  asked(index: number, state: () => Iterable<Uint8Array>): void {
    this.#index = index;
    this.#vouches = new Map();
    this.#own = undefined;
    this.#hasTold = false;
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#answer(index, state()).catch((error) => {
      if (!this.#signal.aborted) this.#needs.log.info("Cannot say what the state is; the next time will do", { error });
    }).finally(() => this.#isBusy = false);
  }

  vouched({ index, member, digest }: Vouch): void {
    if (index !== this.#index) return;
    this.#vouches.set(member, Buffer.from(digest).toString("hex"));
    this.#compare();
  }

  async #answer(index: number, pieces: Iterable<Uint8Array>): Promise<void> {
    const { clock, member, propose } = this.#needs, hash = createHash("sha256");
    for (const piece of pieces) {
      hash.update(piece);
      await sleep(clock, 0, this.#signal);
    }
    const digest = hash.digest();
    if (index !== this.#index) return;
    this.#own = digest.toString("hex");
    this.#compare();
    await propose({ do: "vouch", vouch: { index, member, digest } });
  }

  #compare(): void {
    if (this.#own === undefined) return;
    const verdict = compare(this.#own, this.#needs.member, this.#vouches), { log, fail } = this.#needs;
    if (verdict === "same") return;
    if (verdict === "wrong") {
      return fail(
        new InvariantError(
          `the state of this member at entry ${this.#index} is not that of the others. Start it again; if that does not help, remove it, and add it anew with an empty data directory`,
        ),
      );
    }
    if (this.#hasTold) return;
    this.#hasTold = true;
    log.error("Two members have different states, and nobody can say which is right: compare snapshots of them before writing more", {
      index: this.#index,
      members: [...this.#vouches.keys()],
    });
  }
}

/** Pure. @param own this member's digest. "wrong": most of those that differ agree with each other, and are more than agree with it */
export function compare(own: string, member: number, vouches: ReadonlyMap<number, string>): "same" | "different" | "wrong" {
  const counts = new Map<string, number>([[own, 1]]);
  for (const [other, digest] of vouches) if (other !== member) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  if (counts.size === 1) return "same";
  const most = Math.max(...[...counts].filter(([digest]) => digest !== own).map(([, count]) => count));
  return most > counts.get(own)! ? "wrong" : "different";
}
