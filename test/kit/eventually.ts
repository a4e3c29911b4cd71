// Waiting for the world, in tests against real programs.

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls `look` until it neither throws nor answers with undefined or false, and returns its answer. Fails with what it said last. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T> | T,
  { withinMs = 30_000, everyMs = 100 } = {},
): Promise<Exclude<T, false | null | undefined>> {
  let last: unknown = "nothing yet";
  for (const end = performance.now() + withinMs;;) {
    try {
      const answer = await look();
      if (answer !== undefined && answer !== null && answer !== false) return answer as Exclude<T, false | null | undefined>;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(`${what}: not within ${withinMs} ms; last: ${last instanceof Error ? last.message : String(last)}`, { cause: last });
    }
    await pause(everyMs);
  }
}

/** For what happens within this process: looks more often, and gives up sooner. */
export const shortly = <T>(what: string, look: () => Promise<T> | T, withinMs = 4_000): Promise<Exclude<T, false | null | undefined>> =>
  eventually(what, look, { withinMs, everyMs: 5 });

/** Resolves once it holds, within this process. */
export const until = (holds: () => boolean, withinMs?: number): Promise<true> => shortly(String(holds), holds, withinMs);
