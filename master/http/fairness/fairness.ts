// Every request passes here once it is known who asks: it goes on, waits for its turn, or is sent away with 429. client-go comes again by itself.
import { setImmediate } from "node:timers";
import { ApiError } from "../../../shared/api/status.ts";
import { fairQueueMs, unauthenticatedConnections, unauthenticatedPerSecond } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import { boundsOf, type Level } from "./levels.ts";
import { Rates } from "./rates.ts";
import { Shares } from "./shares.ts";

export interface FairnessConfig {
  /** Requests of users that run at a time; 0: no bound, and no fairness. */
  readonly maxRequestsInflight: number;
  /** Of one user, who does not belong to system:masters; 0: no bound. */
  readonly userRequestsPerSecond: number;
  /** Watches, followed logs, commands of one user at a time. */
  readonly userWatches: number;
  readonly userConnections: number;
}
/** One request, as far as fairness looks at it. */
export interface Asking {
  readonly level: Level;
  /** Whose share: a user's name; the address of who has none. */
  readonly user: string;
  readonly width: number;
  /** Not limited in how often: who repairs must not have to wait for a bucket to fill. */
  readonly unlimited: boolean;
  /** Aborts when the client is gone. Asked for only when it has to wait. */
  readonly gone: () => AbortSignal | undefined;
}
export interface Turn {
  readonly waitedMs: number;
  end(): void;
}
export type Refusal = "queue-full" | "time-out" | "rate" | "watches" | "connections";
export interface LevelStatus {
  readonly level: Level;
  readonly running: number;
  readonly waiting: number;
}

const queued = ["users", "nodes", "unauthenticated"] as const;
const exempt: Turn = { waitedMs: 0, end() {} };

export class Fairness {
  readonly #clock: Clock;
  readonly #config: FairnessConfig;
  readonly #shares: Readonly<Record<(typeof queued)[number], Shares>>;
  readonly #rates: Rates;
  readonly #strangers = new Rates(unauthenticatedPerSecond, 2 * unauthenticatedPerSecond);
  readonly #held = new Map<string, number>();
  readonly #beginning: (() => void)[] = [];
  /** Told of each request that is sent away. */
  readonly #refused: (level: Level, why: Refusal) => void;

  constructor({ clock, refused = () => {} }: { clock: Clock; refused?: (level: Level, why: Refusal) => void }, config: FairnessConfig) {
    this.#clock = clock;
    this.#config = config;
    this.#refused = refused;
    const bounds = boundsOf(config.maxRequestsInflight);
    this.#shares = {
      users: new Shares(bounds.users),
      nodes: new Shares(bounds.nodes),
      unauthenticated: new Shares(bounds.unauthenticated),
    };
    this.#rates = new Rates(config.userRequestsPerSecond, 2 * config.userRequestsPerSecond);
  }
  get status(): readonly LevelStatus[] {
    return queued.map((level) => ({ level, running: this.#shares[level].running, waiting: this.#shares[level].waiting }));
  }

  /** Resolves when it may run. Whoever gets a turn ends it. @throws ApiError TooManyRequests */
  async turn(asking: Asking): Promise<Turn> {
    const { level, user, width, unlimited } = asking, clock = this.#clock, asked = clock.monotonic();
    if (level === "exempt" || this.#config.maxRequestsInflight === 0) return exempt;
    const rates = level === "unauthenticated" ? this.#strangers : this.#rates;
    if (!unlimited && !rates.take(user, asked)) throw this.#refuse(level, "rate");
    const shares = this.#shares[level];
    let begun = asked, wake = (): void => {};
    const ticket = shares.ask(user, width, () => {
      begun = clock.monotonic();
      wake();
    });
    if (!ticket) throw this.#refuse(level, "queue-full");
    const end = (): void => shares.end(ticket, clock.monotonic() - begun);
    if (ticket.state === "waiting") {
      try {
        await this.#waited(asking, (resolve) => wake = () => this.#inTurn(resolve));
      } catch (error) {
        end();
        throw error;
      }
    }
    return { waitedMs: begun - asked, end };
  }

  #waited({ level, gone }: Asking, woken: (resolve: () => void) => void): Promise<void> {
    const signal = gone();
    return new Promise((resolve, reject) => {
      const over = (): void => {
        cancel();
        signal?.removeEventListener("abort", left);
      };
      const left = (): void => {
        over();
        reject(signal!.reason);
      };
      const cancel = this.#clock.after(fairQueueMs, () => {
        over();
        reject(this.#refuse(level, "time-out"));
      });
      signal?.addEventListener("abort", left, { once: true });
      woken(() => {
        over();
        resolve();
      });
      if (signal?.aborted) left();
    });
  }

  /** Of those that have waited, one begins at each turn of the event loop: what has just come in is looked at between them. */
  #inTurn(begin: () => void): void {
    this.#beginning.push(begin);
    if (this.#beginning.length === 1) setImmediate(this.#beginNext);
  }
  readonly #beginNext = (): void => {
    this.#beginning.shift()?.();
    if (this.#beginning.length > 0) setImmediate(this.#beginNext);
  };

  /** Something that lasts as long as somebody listens. @returns what ends it. @throws ApiError TooManyRequests */
  watch(level: Level, user: string): () => void {
    return this.#hold(level, user, "watches", this.#config.userWatches);
  }
  /** @throws ApiError TooManyRequests: this connection is one too many */
  connection(level: Level, user: string): () => void {
    const most = level === "unauthenticated" ? unauthenticatedConnections : this.#config.userConnections;
    return this.#hold(level, user, "connections", most);
  }
  #hold(level: Level, user: string, what: "watches" | "connections", most: number): () => void {
    const key = `${what} ${level} ${user}`, count = this.#held.get(key) ?? 0;
    if (count >= most) throw this.#refuse(level, what);
    this.#held.set(key, count + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = this.#held.get(key)! - 1;
      if (left === 0) this.#held.delete(key);
      else this.#held.set(key, left);
    };
  }

  #refuse(level: Level, why: Refusal): ApiError {
    this.#refused(level, why);
    return new ApiError("TooManyRequests", "Too many requests, please try again later.", { details: { retryAfterSeconds: 1 } });
  }
}
