/** Corrupt: bytes that were durable are not what was written. Format: written by another version. Foreign: of another cluster or member. Missing: a part is not there. */
export type StorageReason = "Corrupt" | "Format" | "Foreign" | "Missing";

/** The data directory cannot be used as it is. Nothing in it was changed; the message names the file. */
export class StorageError extends Error {
  override name = "StorageError";
  readonly reason: StorageReason;
  readonly path: string;
  /** What is so, without where. */
  readonly what: string;
  constructor(reason: StorageReason, path: string, what: string, options: { cause?: unknown } = {}) {
    super(`Cannot start from ${path}: ${what}`, options);
    this.reason = reason;
    this.path = path;
    this.what = what;
  }
}

/**
 * The disk is full, or a quota is, and nothing that counts was touched: what was to be written had no name yet. Unlike any other error of the disk this one
 * may be tried again.
 */
export class NoRoom extends Error {
  override name = "NoRoom";
  constructor(path: string, bytes?: number, options: { cause?: unknown } = {}) {
    super(`Cannot write ${path}: the disk is full. Free ${bytes === undefined ? "space" : `at least ${bytes} bytes`} there`, options);
  }
}

export const isDiskFull = (error: unknown): boolean =>
  error instanceof NoRoom || ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
