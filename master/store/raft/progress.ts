// What the leader knows of one member's log (Raft Fig. 2: nextIndex, matchIndex), and how eagerly it sends.
//   probe      one message at a time, until the place where the logs agree is found
//   replicate  a pipeline, bounded in messages and bytes
//   snapshot   nothing but heartbeats, until the snapshot has arrived
import { inFlightBytes, inFlightMessages } from "../../../shared/limits.ts";

export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  matchIndex = 0;
  nextIndex: number;
  state: ProgressState = "probe";
  /** Since it was heard; of a newcomer, since it came. */
  silentTicks = 0;
  /** The commit index that it was told last. */
  commitTold = 0;
  /** A probe is under way; the next answer or heartbeat allows another. */
  probing = false;
  /** Index of the snapshot that is on its way. */
  pendingSnapshot = 0;
  /** Ticks since it was offered. */
  snapshotTicks = 0;
  /** Ticks of the last full catch-up round (thesis §4.2.1): how long it took until the member held what was last when the round began. */
  catchUpTicks = Infinity;
  /** From the pipeline to a probe, since the last tick. */
  #hasFallenBack = false;
  #round: { target: number; ticks: number } | undefined;
  readonly #inFlight: { last: number; bytes: number }[] = [];
  #bytes = 0;

  constructor(nextIndex: number) {
    this.nextIndex = nextIndex;
  }

  get paused(): boolean {
    if (this.state === "probe") return this.probing;
    return this.state === "snapshot" || this.#inFlight.length >= inFlightMessages || this.#bytes >= inFlightBytes;
  }

  /** Entries of the pipeline are unanswered. */
  get isAwaited(): boolean {
    return this.state === "replicate" && this.#inFlight.length > 0;
  }

  sent(lastIndex: number, bytes: number): void {
    if (this.state === "probe") this.probing = true;
    else if (lastIndex >= this.nextIndex) {
      this.nextIndex = lastIndex + 1;
      this.#inFlight.push({ last: lastIndex, bytes });
      this.#bytes += bytes;
    }
  }

  /** The member holds everything up to `index`. @returns false when that is no news. */
  matched(index: number): boolean {
    this.probing = false;
    while (this.#inFlight.length > 0 && this.#inFlight[0]!.last <= index) this.#bytes -= this.#inFlight.shift()!.bytes;
    this.nextIndex = Math.max(this.nextIndex, index + 1);
    if (index <= this.matchIndex) return false;
    this.matchIndex = index;
    return true;
  }

  /** The member refused entries behind `refused`; its log may agree with ours at `agreement`. @returns false when the refusal is out of date. */
  refused(refused: number, agreement: number): boolean {
    if (this.state === "replicate") {
      // Also when it has agreed to more since: of a pipeline that arrives in disorder, nearly every message is refused, and one of those says all.
      if (refused <= this.matchIndex || agreement < this.matchIndex) return false;
      // Once a tick: other refusals may be of what was sent before, and a pipeline sent anew for each of them would grow without end. One that is left out here is
      // heard again after the next heartbeat.
      if (this.#hasFallenBack) return false;
      this.#hasFallenBack = true;
      this.become("probe");
      return true;
    }
    if (this.nextIndex - 1 !== refused) return false;
    this.nextIndex = Math.max(Math.min(refused, agreement + 1), this.matchIndex + 1);
    this.probing = false;
    return true;
  }

  become(state: ProgressState, pendingSnapshot = 0): void {
    if (state === "probe") {
      this.nextIndex = Math.max(this.matchIndex, this.state === "snapshot" ? this.pendingSnapshot : 0) + 1;
    } else if (state === "replicate") this.nextIndex = this.matchIndex + 1;
    this.state = state;
    this.pendingSnapshot = pendingSnapshot;
    this.snapshotTicks = 0;
    this.probing = false;
    this.#inFlight.length = 0;
    this.#bytes = 0;
  }

  /** A full pipeline without answers must not stay full for good: messages get lost. */
  freeOne(): void {
    const first = this.#inFlight.shift();
    if (first) this.#bytes -= first.bytes;
  }

  /** Counts, and measures catch-up rounds; called once a tick with the leader's last index. */
  tick(lastIndex: number): void {
    this.snapshotTicks++;
    this.silentTicks++;
    this.#hasFallenBack = false;
    this.#round ??= { target: lastIndex, ticks: 0 };
    if (this.matchIndex >= this.#round.target) {
      this.catchUpTicks = this.#round.ticks;
      this.#round = { target: lastIndex, ticks: 0 };
    } else this.#round.ticks++;
  }
}
