// Bounds a running container's log on disk: two generations of at most `maxBytes` each (and what is written between two looks).
import { rename, stat, truncate } from "node:fs/promises";
import { logReopenPollMs, logReopenPolls } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { rotatedLogPath } from "./logs.ts";

/**
 * Starts a new generation once the file has `maxBytes`; the one before the last is dropped. `reopen` tells the engine (ContainerRuntime.reopenLog): it holds the file open,
 * and a rename alone would send every further line to the old generation. False: nothing to do.
 */
export async function rotateLog(clock: Clock, path: string, maxBytes: number, reopen: () => Promise<void>): Promise<boolean> {
  const size = await sizeOf(path);
  if (size === undefined || size < maxBytes) return false;
  const older = rotatedLogPath(path);
  await rename(path, older);
  await reopen();
  for (let look = 0; look < logReopenPolls; look++) {
    if (await sizeOf(path) !== undefined) return true;
    await sleep(clock, logReopenPollMs);
  }
  // The engine did not listen and writes on into the renamed file. Cut that one: it writes with O_APPEND, so it goes on at the start. Lines are lost, the disk is not.
  await rename(older, path);
  await truncate(path, 0);
  return true;
}

/** Undefined: no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}
