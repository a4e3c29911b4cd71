// Taking a snapshot home: written under another name, checked, and only then in the place of what may have been there.
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { backupTakenMs, progressMs } from "../../shared/limits.ts";
import { syncDirectory } from "../../shared/platform/files.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { type Backup, checkBackup } from "../store/disaster/backup.ts";
import { readingFiles } from "../store/files.ts";
import { StorageError } from "../store/storage_error.ts";
import { type Client, CommandError } from "./client.ts";

interface Needs {
  readonly client: Pick<Client, "download">;
  readonly clock: Clock;
  /** Says how far it is, every few seconds. */
  readonly note: (line: string) => void;
}

/** @throws CommandError; then a file of that name is as it was */
export async function saveSnapshot({ client, clock, note }: Needs, path: string): Promise<Backup> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, "wx", 0o600).catch((cause) => {
    throw new CommandError(`Cannot write ${temporary}: ${cause.message}`, { cause });
  });
  try {
    try {
      await fill(file, await client.download("/skerry/v1/snapshot", backupTakenMs), clock, note);
      await file.sync();
    } finally {
      await file.close();
    }
    const backup = await checkBackup({ files: readingFiles, clock }, temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return backup;
  } catch (cause) {
    await rm(temporary, { force: true });
    if (cause instanceof CommandError) throw cause;
    const what = cause instanceof StorageError ? `what came is damaged: ${cause.what}` : (cause as Error).message;
    throw new CommandError(`Cannot save ${path}: ${what}. Nothing was left behind; try again`, { cause, status: 1 });
  }
}

async function fill(
  file: { write(bytes: Uint8Array): Promise<unknown> },
  { bytes, chunks }: Awaited<ReturnType<Client["download"]>>,
  clock: Clock,
  note: (line: string) => void,
): Promise<void> {
  let came = 0, told = clock.monotonic();
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      from += (await file.write(chunk.subarray(from)) as { bytesWritten: number }).bytesWritten;
    }
    came += chunk.length;
    if (clock.monotonic() - told < progressMs) continue;
    told = clock.monotonic();
    note(`${mebibytes(came)} of ${mebibytes(bytes)} MiB`);
  }
  if (came < bytes) throw new Error(`the connection ended after ${came} of ${bytes} bytes`);
}

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
