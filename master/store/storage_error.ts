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
