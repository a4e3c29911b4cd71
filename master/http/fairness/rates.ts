// How often? Each user has a bucket of tokens that fills by the second; every request takes one. Pure: the time is handed in.

interface Bucket {
  tokens: number;
  countedMs: number;
}

export class Rates {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();
  #sweptMs = 0;

  /** @param perSecond 0: as often as they like */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }
  get users(): number {
    return this.#buckets.size;
  }

  /** May this one go on? */
  take(user: string, nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    this.#sweep(nowMs);
    let bucket = this.#buckets.get(user);
    if (!bucket) this.#buckets.set(user, bucket = { tokens: this.#burst, countedMs: nowMs });
    bucket.tokens = this.#filled(bucket, nowMs);
    bucket.countedMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
  #filled({ tokens, countedMs }: Bucket, nowMs: number): number {
    return Math.min(this.#burst, tokens + (nowMs - countedMs) * this.#perSecond / 1000);
  }
  /** A full bucket says nothing that a new one would not. */
  #sweep(nowMs: number): void {
    const fillsMs = this.#burst / this.#perSecond * 1000;
    if (nowMs - this.#sweptMs < fillsMs) return;
    this.#sweptMs = nowMs;
    for (const [user, bucket] of this.#buckets) if (this.#filled(bucket, nowMs) >= this.#burst) this.#buckets.delete(user);
  }
}
