// Refusals that a controller counts on.
import { ApiError, type Reason } from "../../shared/api/status.ts";

/** For `catch`: these reasons are as good as success (somebody else was there first), all others go on. */
export const unless = (...expected: readonly Reason[]) => (error: unknown): void => {
  if (!(error instanceof ApiError) || !expected.includes(error.reason)) throw error;
};

/** Nothing can be made in a namespace that ends. What wanted to make it ends with it: there is nothing to try again. */
export const isNamespaceEnding = (error: unknown): boolean =>
  error instanceof ApiError && error.reason === "Forbidden" &&
  error.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") === true;
