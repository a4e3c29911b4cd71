// What is kept for a while only (Events, notes of Idempotency-Keys): the store deletes it when its lease ends.
import type { Clock } from "../../shared/util/clock.ts";
import { leaseObjects } from "../../shared/limits.ts";
import type { Store } from "../store/store.ts";

/** What is written within a minute shares a lease, so that a burst does not double the writes; the last of it gets its full time. */
const sharedForMs = 60_000;

export class SharedLeases {
  readonly #store: Pick<Store, "grant">;
  readonly #clock: Clock;
  readonly #ttlSeconds: number;
  #current: { lease: Promise<number>; since: number; objects: number } | undefined;

  constructor(store: Pick<Store, "grant">, clock: Clock, ttlSeconds: number) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlSeconds = ttlSeconds;
  }
  /** Id of a lease that ends no sooner than its time from now, and at most a minute later. */
  take(): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || now - this.#current.since >= sharedForMs || this.#current.objects >= leaseObjects) {
      const granted = this.#store.grant(this.#ttlSeconds + sharedForMs / 1000).then(({ lease }) => lease);
      const current = this.#current = { lease: granted, since: now, objects: 0 };
      granted.catch(() => {
        if (this.#current === current) this.#current = undefined;
      });
    }
    this.#current.objects++;
    return this.#current.lease;
  }
}
