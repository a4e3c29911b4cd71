// What nodes and their pods use, asked of the node when somebody wants to know, and remembered for moments: nothing flows while nobody looks, and the log never
// hears of it.
import { Buffer } from "node:buffer";
import { usageAnswerBytes, usageKeptMs, usageWaitMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { parse, Usage } from "../../shared/wire/messages.ts";
import type { Sessions } from "./sessions.ts";
import type { Tunnel } from "./tunnel.ts";

export interface Measured extends Usage {
  /** ms since 1970, by the master's clock. */
  readonly at: number;
}
interface Remembered {
  /** Monotonic ms. */
  readonly since: number;
  readonly answer: Promise<Measured | undefined>;
}
export interface UsageNeeds {
  readonly sessions: Pick<Sessions, "currentOf">;
  readonly tunnel: Pick<Tunnel, "usage">;
  readonly clock: Clock;
}

export class NodeUsage {
  readonly #needs: UsageNeeds;
  readonly #known = new Map<string, Remembered>();

  constructor(needs: UsageNeeds) {
    this.#needs = needs;
  }

  /** Undefined: it is not connected here, or has not answered in time. */
  of(nodeName: string): Promise<Measured | undefined> {
    const { sessions, clock } = this.#needs, now = clock.monotonic(), session = sessions.currentOf(nodeName);
    for (const [name, { since }] of this.#known) if (now - since > usageKeptMs.metered) this.#known.delete(name);
    const known = this.#known.get(nodeName), keptMs = session?.birth?.link.metered ? usageKeptMs.metered : usageKeptMs.free;
    if (!session) return Promise.resolve(undefined);
    if (known && now - known.since <= keptMs) return known.answer;
    const answer = this.#ask(nodeName);
    this.#known.set(nodeName, { since: now, answer });
    return answer;
  }

  async #ask(nodeName: string): Promise<Measured | undefined> {
    const { tunnel, clock } = this.#needs, tooLate = new AbortController();
    const cancel = clock.after(usageWaitMs, () => tooLate.abort());
    try {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of await tunnel.usage(nodeName, tooLate.signal) as unknown as AsyncIterable<Uint8Array>) {
        chunks.push(chunk);
        if ((bytes += chunk.length) > usageAnswerBytes) return undefined;
      }
      const usage = parse(Usage, Buffer.concat(chunks));
      return usage && { ...usage, at: clock.now() };
    } catch {
      return undefined; // not connected any more, an agent that knows no such verb, or one that is too slow: nobody knows what it uses
    } finally {
      cancel();
    }
  }
}
