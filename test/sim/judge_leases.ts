// Leases end late, but never early: whatever the wall clocks do, not before their time has passed since the last renewal, by a clock that runs as wrong as any here.
import { decodeCommand } from "../../master/store/command.ts";
import type { Leases } from "../../master/store/lease.ts";
import { repeated } from "../../master/store/machine.ts";
import type { Must } from "./violation.ts";

/** How much faster than the world a member's clock may run (see member.ts). */
const fastest = 1.05;
/** Bytes of the longest command that is about one lease. */
const commandBytes = 18;

export class LeaseTerms {
  readonly #must: Must;
  readonly #terms = new Map<number, { ttlMs: number; since: number }>();

  constructor(must: Must) {
    this.#must = must;
  }

  /** The first member has applied a command, at a moment of the world; `leases` is what its state has now. */
  applied(payload: Uint8Array, outcome: unknown, leases: Leases, now: number): void {
    if (payload.length === 0 || payload.length > commandBytes || outcome === repeated) return;
    const command = decodeCommand(payload);
    if (command.do === "grant" && typeof outcome === "object" && outcome !== null && "lease" in outcome) {
      this.#terms.set(Number(outcome.lease), { ttlMs: command.ttlMs, since: now });
    } else if (command.do === "keepAlive") {
      const term = this.#terms.get(command.lease);
      if (term) term.since = now;
    } else if (command.do === "expire") {
      const term = this.#terms.get(command.lease);
      if (!term || leases.has(command.lease)) return;
      const { ttlMs, since } = term, livedMs = now - since;
      this.#terms.delete(command.lease);
      this.#must(
        livedMs * fastest >= ttlMs,
        () => `lease ${command.lease} of ${ttlMs} ms was ended ${Math.round(livedMs)} ms after it was granted or renewed`,
      );
    }
  }
}
