// Files that survive a power cut at any byte: the old content or the new, never a mix.
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes a file's directory entry durable (a rename or a creation is not, until its directory is synced). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Writes a temporary file beside the target, syncs it, renames it over the target and syncs the directory. */
export async function writeAtomic(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** The same, but for what is there already: to start again needs no room on a full disk, and wears no card. */
export async function keepAtomic(path: string, content: string, mode = 0o600): Promise<void> {
  if (await readFile(path, "utf8").catch(() => undefined) !== content) await writeAtomic(path, content, mode);
}
