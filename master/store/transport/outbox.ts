// What waits to be sent to one member over one connection. Bounded: Raft sends again what it misses, so the oldest goes first. Not proposals: somebody waits for
// each of them, so they are refused while it is certain that they were never sent.
import { peerQueueBytes, peerQueueMessages } from "../../../shared/limits.ts";
import type { MessageOf } from "../raft/message.ts";

export interface Parcel {
  /** A whole frame. */
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly proposal?: MessageOf<"Propose">;
}

export class Outbox {
  #parcels: Parcel[] = [];
  /** Those before this one are gone. */
  #head = 0;
  #bytes = 0;

  get messages(): number {
    return this.#parcels.length - this.#head;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns what had to go for it, perhaps itself */
  push(parcel: Parcel): Parcel[] {
    const gone: Parcel[] = [];
    while (this.messages > 0 && (this.messages >= peerQueueMessages || this.#bytes + parcel.bytes > peerQueueBytes)) {
      const oldest = this.#removeOldest();
      if (!oldest) return [...gone, parcel];
      gone.push(oldest);
    }
    this.#parcels.push(parcel);
    this.#bytes += parcel.bytes;
    return gone;
  }

  /** The next ones, up to about `bytes`, at least one if there is any. */
  take(bytes: number): Parcel[] {
    const taken: Parcel[] = [];
    for (let left = bytes; left > 0 && this.messages > 0;) {
      const parcel = this.#parcels[this.#head++]!;
      taken.push(parcel);
      this.#bytes -= parcel.bytes;
      left -= parcel.bytes;
    }
    this.#tidy();
    return taken;
  }

  clear(): Parcel[] {
    const all = this.#parcels.slice(this.#head);
    this.#parcels = [];
    this.#head = this.#bytes = 0;
    return all;
  }

  #removeOldest(): Parcel | undefined {
    const at = this.#parcels.findIndex((parcel, at) => at >= this.#head && !parcel.proposal);
    if (at < 0) return undefined;
    const parcel = this.#parcels[at]!;
    if (at === this.#head) this.#head++;
    else this.#parcels.splice(at, 1);
    this.#bytes -= parcel.bytes;
    this.#tidy();
    return parcel;
  }

  /** Now and then, so that each removal costs little and nothing that is gone is held for long. */
  #tidy(): void {
    if (this.#head < 64 && this.messages > 0) return;
    this.#parcels = this.#parcels.slice(this.#head);
    this.#head = 0;
  }
}
