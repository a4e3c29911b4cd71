// One run of a member's process: its clock, its timers, and whether it lives, stands still, or is gone. Whatever reaches it from outside comes through run().
import type { Clock } from "../../shared/util/clock.ts";
import type { World } from "./world.ts";

export interface Drift {
  /** How fast its monotonic clock runs. */
  readonly rate: number;
  /** Milliseconds that its wall clock is ahead. */
  wallOffset: number;
}

const begin = Date.UTC(2026, 0, 1);

export class Process {
  alive = true;
  readonly clock: Clock;
  readonly #world: World;
  #resumeAt = 0;
  #pausedMs = 0;
  readonly #backlog: (() => void)[] = [];

  constructor(world: World, drift: Drift) {
    this.#world = world;
    const bornAt = world.now;
    this.clock = {
      now: () => Math.floor(begin + world.now + drift.wallOffset),
      monotonic: () => (world.now - bornAt) * drift.rate,
      after: (ms, task) => world.after(ms / drift.rate, () => this.run(task)),
    };
  }

  get isPaused(): boolean {
    return this.#resumeAt > this.#world.now;
  }
  /** Milliseconds that it has not stood still. */
  get awakeMs(): number {
    return this.#world.now - this.#pausedMs + Math.max(0, this.#resumeAt - this.#world.now);
  }
  /** Now; or when it goes on, if it stands still; or never. */
  run(task: () => void): void {
    if (!this.alive) return;
    if (this.isPaused || this.#backlog.length > 0) return void this.#backlog.push(task);
    task();
  }
  /** Stands still as under SIGSTOP or in a long collection of garbage: what comes meanwhile waits. */
  pause(ms: number): void {
    if (this.isPaused) return;
    this.#resumeAt = this.#world.now + ms;
    this.#pausedMs += ms;
    this.#world.after(ms, () => this.#goOn());
  }
  #goOn(): void {
    const task = this.#backlog.shift();
    if (!task || !this.alive) return void (this.#backlog.length = 0);
    task();
    // One event each, so that the world is looked at in between.
    if (this.#backlog.length > 0) this.#world.after(0, () => this.#goOn());
  }
}
