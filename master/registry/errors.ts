// The one place where the store's words become the API's.
import { ApiError, type Reason } from "../../shared/api/status.ts";
import { storedValueBytes } from "../../shared/limits.ts";
import { StoreError, type StoreReason } from "../store/store.ts";

/** A read of the past that is compacted away. `metadata.continue` lets a pager go on without the promise of one snapshot. */
export const expiredContinue = (token: string, cause?: unknown): ApiError =>
  new ApiError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the " +
      "continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - " +
      "objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    { cause, metadata: { continue: token } },
  );
const tooOld = (revision: number, oldest: number, cause?: unknown): ApiError =>
  new ApiError("Expired", `too old resource version: ${revision} (${oldest})`, { cause });
export const tooLarge = (revision: number, current: number): ApiError =>
  new ApiError("Timeout", `Timeout: Too large resource version: ${revision}, current: ${current}`, {
    details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }], retryAfterSeconds: 1 },
  });

/** Runs `work` and translates what the store throws. `asked`: the revision the client named, for its message. */
export async function translated<R>(work: Promise<R>, asked = 0): Promise<R> {
  try {
    return await work;
  } catch (error) {
    throw translate(error, asked);
  }
}
/** The same for what is asked of the store itself, by who looks after it: its own words are what they have to know. */
export async function inStoreWords<R>(work: Promise<R>): Promise<R> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new ApiError(reasonsInStoreWords[error.reason] ?? "ServiceUnavailable", error.message, { cause: error });
  }
}
const reasonsInStoreWords: Partial<Record<StoreReason, Reason>> = {
  Invalid: "Conflict",
  NoSpace: "InsufficientStorage",
  Overloaded: "TooManyRequests",
  Unknown: "Timeout",
};

export function translate(error: unknown, asked = 0): unknown {
  if (!(error instanceof StoreError)) return error;
  const cause = error;
  switch (error.reason) {
    case "Compacted":
      return tooOld(asked, error.revision, cause);
    case "Future":
      return tooLarge(asked, error.revision);
    case "TooLarge":
      return new ApiError("RequestEntityTooLarge", `Request entity too large: limit is ${storedValueBytes}`, { cause });
    case "NoSpace":
      return new ApiError("InsufficientStorage", error.message, { cause }); // full is the quota, or the disk: it says what to do
    case "NotLeader":
    case "NoQuorum":
    case "Closed":
      return new ApiError("ServiceUnavailable", "the server is currently unable to handle the request", {
        details: { retryAfterSeconds: 1 },
        cause,
      });
    case "Overloaded":
      return new ApiError("TooManyRequests", "too many writes at once, please try again later", {
        details: { retryAfterSeconds: 1 },
        cause,
      });
    case "Unknown":
      return new ApiError("Timeout", "Timeout: the outcome of the write is unknown: read the object before trying again", { cause });
    case "Invalid":
      return new ApiError("InternalError", "Internal error occurred: the store refused the request", { cause });
    default:
      error.reason satisfies never;
      return error;
  }
}

/** For `catch` of a read: what is not there is undefined. */
export function absent(error: unknown): undefined {
  if (error instanceof ApiError && error.reason === "NotFound") return undefined;
  throw error;
}
