// How long a cluster accepts no writes: somebody puts every few milliseconds, at the members in turn, whatever has become of the puts before.
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../kit/eventually.ts";
import type { Asks } from "./store_client.ts";

const everyMs = 10;
/** Milliseconds that one write may take: one that was lost with the old leader says nothing about the new one. */
const timeoutMs = 3_000;
const patience = { withinMs: 60_000, everyMs: 2 };

export interface Gap {
  /** From the end of `event` to the first acknowledgement of a write that was begun after it. */
  readonly firstMs: number;
  /** Between two acknowledgements, from just before `event` on. */
  readonly longestMs: number;
}

/** @throws Error when nothing is accepted for a minute */
export async function writeGap(members: readonly Pick<Asks, "put">[], event: () => Promise<void>): Promise<Gap> {
  const acknowledged: { asked: number; at: number }[] = [];
  let stopped = false, turn = 0;
  const writing = (async () => {
    for (; !stopped; turn++) {
      const asked = performance.now();
      members[turn % members.length]!.put(`/gap/${turn % 100}`, "a", timeoutMs).then(
        () => acknowledged.push({ asked, at: performance.now() }),
        () => {}, // refused, or lost with its leader
      );
      await delay(everyMs);
    }
  })();
  try {
    await eventually("ten writes are accepted", () => acknowledged.length >= 10, patience);
    const before = performance.now();
    await event();
    const from = performance.now();
    await eventually("a write is accepted again", () => acknowledged.some(({ asked }) => asked > from), patience);
    const first = Math.min(...acknowledged.filter(({ asked }) => asked > from).map(({ at }) => at));
    await delay(300);
    const times = acknowledged.map(({ at }) => at).filter((at) => at > before - 100);
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    return { firstMs: first - from, longestMs: Math.max(...gaps) };
  } finally {
    stopped = true;
    await writing;
  }
}
