// Events last an hour: the store deletes them when their lease ends.
import type { Clock } from "../../shared/util/clock.ts";
import { eventLeaseObjects, eventTtlSeconds } from "../../shared/limits.ts";
import type { Store } from "../store/store.ts";

/** Events of one minute share a lease, so that a burst of them does not double the writes; the last of them gets the full hour. */
const sharedForMs = 60_000;

export class EventLeases {
  readonly #store: Pick<Store, "grant">;
  readonly #clock: Clock;
  #current: { lease: Promise<number>; since: number; objects: number } | undefined;

  constructor(store: Pick<Store, "grant">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }
  /** Id of a lease that ends no sooner than `eventTtlSeconds` from now, and at most a minute later. */
  take(): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || now - this.#current.since >= sharedForMs || this.#current.objects >= eventLeaseObjects) {
      const granted = this.#store.grant(eventTtlSeconds + sharedForMs / 1000).then(({ lease }) => lease);
      const current = this.#current = { lease: granted, since: now, objects: 0 };
      granted.catch(() => {
        if (this.#current === current) this.#current = undefined;
      });
    }
    this.#current.objects++;
    return this.#current.lease;
  }
}
