// Leases: keys that are deleted together when somebody stops renewing. They are hints about liveness, not locks: the holder may not have noticed yet.
//
// Two clocks must agree before a lease ends, so that it ends late but never early. The leader counts the TTL on its monotonic clock from the last renewal it
// has seen applied (a new leader starts every lease afresh) and then proposes `expire`, with the renewals it has seen; the state machine carries that out only if
// there was no other since, and the TTL has also passed in log time. A renewal that reaches the log first therefore always wins, even when a wall clock jumps.

export interface Lease {
  readonly id: number;
  readonly ttlMs: number;
  /** Log time of the grant or the last renewal, ms since 1970. */
  readonly renewedAt: number;
  /** Renewals so far. Log time stands still while the leader's clock is behind, so it cannot tell whether a lease was renewed. */
  readonly renewals: number;
}

/** The end of a lease, as a leader proposes it: that of a lease which was renewed so often, and no more. */
export interface Expiry {
  readonly lease: number;
  /** Undefined: proposed by a release that did not count; then only log time says whether it was renewed. */
  readonly renewals?: number;
}

/** The leases of the replicated state. */
export class Leases {
  readonly #leases = new Map<number, { lease: Lease; keys: Set<string> }>();
  #nextId = 1;

  get size(): number {
    return this.#leases.size;
  }
  /** The id that the next grant gives out. */
  get nextId(): number {
    return this.#nextId;
  }
  has(id: number): boolean {
    return this.#leases.has(id);
  }
  /** In order of ids. */
  *all(): Iterable<Lease> {
    for (const { lease } of this.#leases.values()) yield lease;
  }

  grant(ttlMs: number, time: number): number {
    const id = this.#nextId++;
    this.#leases.set(id, { lease: { id, ttlMs, renewedAt: time, renewals: 0 }, keys: new Set() });
    return id;
  }
  /** @returns false when there is no such lease */
  keepAlive(id: number, time: number): boolean {
    const entry = this.#leases.get(id);
    if (entry) entry.lease = { ...entry.lease, renewedAt: time, renewals: entry.lease.renewals + 1 };
    return entry !== undefined;
  }
  /** Whether the lease has outlived its TTL by log time, and nobody has renewed it since its leader counted `renewals`. */
  expired({ lease, renewals }: Expiry, time: number): boolean {
    const entry = this.#leases.get(lease);
    if (entry === undefined || entry.lease.renewals !== (renewals ?? entry.lease.renewals)) return false;
    return time >= entry.lease.renewedAt + entry.lease.ttlMs;
  }
  /** Ends a lease. @returns the keys that hang on it, sorted, so that members that restored them in another order delete in the same */
  end(id: number): string[] {
    const keys = [...this.#leases.get(id)?.keys ?? []].sort();
    this.#leases.delete(id);
    return keys;
  }

  attach(id: number, key: string): void {
    this.#leases.get(id)?.keys.add(key);
  }
  detach(id: number, key: string): void {
    this.#leases.get(id)?.keys.delete(key);
  }

  /** Puts back a saved lease; in order of ids, before the keys are attached. */
  restore(lease: Lease): void {
    this.#leases.set(lease.id, { lease, keys: new Set() });
  }
  restoreNextId(id: number): void {
    this.#nextId = id;
  }
}

/** The leader's side: how long each lease has gone without renewal on this member's monotonic clock. One per term. */
export class LeaseWatch {
  #seen = new Map<number, { renewals: number; since: number }>();

  /** Looks at all leases at `monotonicMs`; names those whose TTL has passed without a renewal. */
  overdue(leases: Iterable<Lease>, monotonicMs: number): Expiry[] {
    const overdue: Expiry[] = [];
    const seen = new Map<number, { renewals: number; since: number }>();
    for (const { id, ttlMs, renewals } of leases) {
      const before = this.#seen.get(id);
      const now = before?.renewals === renewals ? before : { renewals, since: monotonicMs };
      seen.set(id, now);
      if (monotonicMs - now.since >= ttlMs) overdue.push({ lease: id, renewals });
    }
    this.#seen = seen;
    return overdue;
  }
}
