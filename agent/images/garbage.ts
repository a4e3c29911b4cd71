// Which images to remove when the disk fills. Pure. What a pod of the current or the previous set names stays, whatever the disk says: the node may be cut off, and go
// back. So does what no registry can give back (`localhost/…`: somebody brought it on a stick), and what any container was made of.
import { qualified } from "../runtime/image_reference.ts";
import type { LocalImage } from "../runtime/runtime.ts";

export interface Disk {
  readonly bytes: number;
  readonly freeBytes: number;
}
/** Shares of the disk in use: above the first it begins, below the second it is enough. Kubernetes' own. */
const high = 0.85, low = 0.8;

/** The largest first, so that few go. */
export function garbage(images: readonly LocalImage[], named: Iterable<string>, { bytes, freeBytes }: Disk): LocalImage[] {
  if (bytes === 0 || 1 - freeBytes / bytes <= high) return [];
  const kept = new Set([...named].map(qualified));
  const candidates = images.filter(({ used, names, id }) =>
    !used && !kept.has(id) && !names.some((name) => kept.has(qualified(name)) || name.startsWith("localhost/"))
  );
  let wanted = bytes * (1 - low) - freeBytes;
  return candidates.toSorted((a, b) => b.sizeBytes - a.sizeBytes).filter(({ sizeBytes }) => {
    if (wanted <= 0) return false;
    wanted -= sizeBytes;
    return true;
  });
}
