// Writers of one object on this member take turns. Without it, of fifty writers that read, change and compare-and-put at once, one would win each round and
// all others would have paid a proposal for nothing; with it only writers on different members can collide.
import { writersPerObject } from "../../shared/limits.ts";
import { ApiError } from "../../shared/api/status.ts";

export class Lanes {
  readonly #lanes = new Map<string, { tail: Promise<unknown>; waiting: number }>();
  readonly #most: number;

  /** @param most writers that may wait in one lane */
  constructor(most = writersPerObject) {
    this.#most = most;
  }
  /** @throws ApiError TooManyRequests when as many others wait already */
  run<R>(key: string, work: () => Promise<R>): Promise<R> {
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, lane = { tail: Promise.resolve(), waiting: 0 });
    if (lane.waiting >= this.#most) {
      return Promise.reject(
        new ApiError("TooManyRequests", `${this.#most} other writers wait for the same object, please try again later`, {
          details: { retryAfterSeconds: 1 },
        }),
      );
    }
    lane.waiting++;
    const mine = lane;
    const done = lane.tail.then(work).finally(() => {
      if (--mine.waiting === 0) this.#lanes.delete(key);
    });
    // Whoever comes next waits for the end of this turn; its failure is the caller's.
    lane.tail = done.catch(() => {});
    return done;
  }
}
