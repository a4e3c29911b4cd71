// Removes images when the disk fills.
import { imageCollectionMs } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import { type Disk, garbage } from "./garbage.ts";
import type { Images } from "./images.ts";

export interface CollectorDependencies {
  readonly runtime: Pick<ContainerRuntime, "images" | "removeImage">;
  readonly clock: Clock;
  readonly log: Log;
  readonly images: Images;
  disk(): Promise<Disk>;
  /** Images of the current and the previous set. Undefined: there is no set yet, so nothing may go. */
  named(): Iterable<string> | undefined;
}

export async function collectImages(on: CollectorDependencies, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(on.clock, imageCollectionMs, signal).catch(() => {}); // an abort ends the loop
    if (!signal.aborted) await collectOnce(on, signal);
  }
}

/** @returns how many went */
export async function collectOnce({ runtime, log, images, disk, named }: CollectorDependencies, signal: AbortSignal): Promise<number> {
  const kept = named();
  if (kept === undefined) return 0;
  let removed = 0;
  try {
    for (const image of garbage(await runtime.images(), kept, await disk())) {
      signal.throwIfAborted();
      await runtime.removeImage(image.id, signal);
      for (const name of image.names) images.lost(name);
      log.info("Image removed: the disk is filling", { image: image.names[0] ?? image.id, sizeBytes: image.sizeBytes });
      removed++;
    }
  } catch (error) {
    if (!signal.aborted) log.warn("Cannot remove images that nobody needs; trying again later", { error });
  }
  return removed;
}
