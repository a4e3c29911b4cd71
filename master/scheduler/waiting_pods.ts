// Pods without a node: those to be looked at, highest priority first and then in the order they came, and those that fit nowhere for now.
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Stored } from "../registry/face.ts";

const priorityOf = (pod: Stored<Pod>): number => pod.object.spec?.priority ?? 0;

export class WaitingPods {
  readonly #clock: Clock;
  /** priority → uid → pod, in the order they came. */
  readonly #active = new Map<number, Map<string, Stored<Pod>>>();
  readonly #parked = new Map<string, Stored<Pod>>();
  readonly #delayed = new Map<string, () => void>();
  #waiting: ((pod: Stored<Pod> | undefined) => void) | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** New, or changed in a way that may matter. A pod that only says why it fits nowhere stays parked. */
  add(pod: Stored<Pod>): void {
    const parked = this.#parked.get(pod.uid);
    if (parked && parked.object.metadata?.generation === pod.object.metadata?.generation) return void this.#parked.set(pod.uid, pod);
    if (this.#delayed.has(pod.uid)) return;
    this.#push(pod);
  }
  addAfter(pod: Stored<Pod>, delayMs: number): void {
    if (this.#closed) return;
    this.remove(pod.uid);
    this.#delayed.set(
      pod.uid,
      this.#clock.after(delayMs, () => {
        this.#delayed.delete(pod.uid);
        this.#push(pod);
      }),
    );
  }
  remove(uid: string): void {
    this.#parked.delete(uid);
    this.#delayed.get(uid)?.();
    this.#delayed.delete(uid);
    for (const pods of this.#active.values()) pods.delete(uid);
  }
  park(pod: Stored<Pod>): void {
    this.#parked.set(pod.uid, pod);
  }
  /** Something changed: who may fit now is looked at again. */
  unpark(mayFit: (pod: Stored<Pod>) => boolean): void {
    for (const pod of [...this.#parked.values()]) if (mayFit(pod)) this.#push(pod);
  }

  /** The next one, or undefined once closed. */
  take(): Promise<Stored<Pod> | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const next = this.#pop();
    return next ? Promise.resolve(next) : new Promise((resolve) => this.#waiting = resolve);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }

  #push(pod: Stored<Pod>): void {
    if (this.#closed) return;
    this.#parked.delete(pod.uid);
    const taker = this.#waiting;
    if (taker) {
      this.#waiting = undefined;
      return taker(pod);
    }
    const priority = priorityOf(pod), same = this.#active.get(priority) ?? new Map<string, Stored<Pod>>();
    same.set(pod.uid, pod);
    this.#active.set(priority, same);
  }
  #pop(): Stored<Pod> | undefined {
    const highest = Math.max(...[...this.#active].filter(([, pods]) => pods.size > 0).map(([priority]) => priority));
    for (const [uid, pod] of this.#active.get(highest) ?? []) {
      this.#active.get(highest)!.delete(uid);
      return pod;
    }
    return undefined;
  }
}
