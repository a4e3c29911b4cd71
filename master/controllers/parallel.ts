/** Runs `work` for each of them, so many at a time. @returns the first error, when all of them have had their turn */
export async function forEachParallel<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<unknown>): Promise<unknown> {
  let next = 0, error: unknown;
  const worker = async (): Promise<void> => {
    while (next < all.length) await work(all[next++]!).catch((failure) => void (error ??= failure));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  return error;
}
