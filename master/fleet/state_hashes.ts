// The hash over everything that a node has reported, as soon as all of that is in the log: a node that comes back with the same has nothing to say. It is kept with
// the node's Lease, so that a master that was killed, or another one, need not ask its whole fleet for everything again. Written late and seldom, and never
// before what it is about: one that is lost or old costs a full report, no more.
import { leases } from "../../shared/api/kinds/lease.ts";
import { stateHashStoredMs } from "../../shared/limits.ts";
import { annotations } from "../../shared/names.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { Wake } from "../../shared/util/signal.ts";
import type { Cache } from "../registry/cache.ts";
import type { Registry } from "../registry/registry.ts";

const namespace = "kube-node-lease";

export class StateHashes {
  readonly #needs: { readonly registry: Registry; readonly cache: Cache; readonly clock: Clock; readonly log: Log };
  readonly #wake = new Wake();
  /** By the node's name. */
  readonly #waiting = new Map<string, { hash: string; readonly dueMs: number }>();

  constructor(needs: { readonly registry: Registry; readonly cache: Cache; readonly clock: Clock; readonly log: Log }) {
    this.#needs = needs;
  }

  /** As the log has it. */
  of(nodeName: string): string | undefined {
    return this.#needs.cache.get(leases, namespace, nodeName)?.object.metadata?.annotations?.[annotations.stateHash];
  }
  /** What the node has reported up to here is in the log. */
  note(nodeName: string, hash: string): void {
    const waiting = this.#waiting.get(nodeName);
    if (waiting) return void (waiting.hash = hash);
    if (this.of(nodeName) === hash) return;
    this.#waiting.set(nodeName, { hash, dueMs: this.#needs.clock.monotonic() + stateHashStoredMs });
    this.#wake.set();
  }

  /** Writes until the signal aborts, and then what still waits. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#needs;
    while (!signal.aborted) {
      const first = this.#waiting.values().next().value; // in the order in which they are due
      await this.#wake.wait(clock, signal, first && Math.max(0, first.dueMs - clock.monotonic()));
      await this.#write(signal.aborted ? Infinity : clock.monotonic());
    }
  }
  async #write(untilMs: number): Promise<void> {
    const due = [...this.#waiting].filter(([, { dueMs }]) => dueMs <= untilMs);
    await Promise.all(due.map(async ([name, { hash }]) => {
      this.#waiting.delete(name);
      try {
        await this.#needs.registry.modify(leases, { namespace, name }, (lease) => {
          if (lease.metadata?.annotations?.[annotations.stateHash] === hash) return undefined;
          lease.metadata = { ...lease.metadata, annotations: { ...lease.metadata?.annotations, [annotations.stateHash]: hash } };
        });
      } catch (error) {
        this.#needs.log.debug("Cannot keep the hash of a node's state; it will say all of it when it comes back", {
          node: name,
          error: chain(error),
        });
      }
    }));
  }
}
