// Whether what was sent over a connection arrives. The other side says how many bytes it has received; when it falls silent it is asked, and when it does not
// answer either, the connection is no good: a host that lost its power says nothing, and TCP would wait for minutes. Counts ticks, not time, so that a process
// that stood still does not blame the others.
import { peerPingTicks, peerProbeTicks, peerResetTicks } from "../../../shared/limits.ts";
import { WireError } from "./wire.ts";

export class Watchdog {
  #sent = 0;
  #received = 0;
  /** Ticks without news of what is under way, and since the last ping. */
  #silentTicks = 0;
  #pingTicks = 0;

  get outstanding(): number {
    return this.#sent - this.#received;
  }
  sent(bytes: number): void {
    this.#sent += bytes;
  }
  /** The other side has received so many bytes since the connection began. @throws WireError when that cannot be */
  received(bytes: number): void {
    if (bytes > this.#sent) throw new WireError(`Cannot believe an acknowledgement: ${bytes} bytes of ${this.#sent} that were sent`);
    if (bytes <= this.#received) return;
    this.#received = bytes;
    this.#silentTicks = 0;
  }

  /** What to do now. */
  tick(): "nothing" | "ping" | "reset" {
    this.#silentTicks = this.outstanding > 0 ? this.#silentTicks + 1 : 0;
    if (this.#silentTicks > peerResetTicks) return "reset";
    if (++this.#pingTicks < peerProbeTicks && this.#silentTicks !== peerPingTicks) return "nothing";
    this.#pingTicks = 0;
    return "ping";
  }
}
