// Says each trouble once, not with every attempt: a master that is down for a week is called thousands of times.
import { peerTroubleMs, peerTroubles } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import type { Keys, Log } from "../../../shared/util/log.ts";

export class Troubles {
  readonly #clock: Clock;
  readonly #log: Log;
  /** When each was last told, the one that was told longest ago first. */
  readonly #told = new Map<string, number>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `key`: what makes it the same trouble. */
  tell(key: string, sentence: string, keys: Keys): void {
    const now = this.#clock.monotonic(), last = this.#told.get(key);
    if (last !== undefined && now - last < peerTroubleMs) return;
    this.#told.delete(key);
    this.#told.set(key, now);
    if (this.#told.size > peerTroubles) this.#told.delete(this.#told.keys().next().value!);
    this.#log.warn(sentence, keys);
  }
  /** It is over: the next time is news again. */
  forget(key: string): void {
    this.#told.delete(key);
  }
}
