// Kubernetes' Status object and the one list of reasons. Inner layers throw ApiError; HTTP turns it into Status, once.
import type { Cause } from "./decode.ts";
import { type Kind, qualified } from "./resource.ts";
import { reportedProblems, shownCharacters } from "../limits.ts";

/** Reason → HTTP status. Whether a client should try again is a property of the reason. */
export const reasons = {
  BadRequest: { code: 400, retryable: false },
  Unauthorized: { code: 401, retryable: false },
  Forbidden: { code: 403, retryable: false },
  NotFound: { code: 404, retryable: false },
  MethodNotAllowed: { code: 405, retryable: false },
  NotAcceptable: { code: 406, retryable: false },
  AlreadyExists: { code: 409, retryable: false },
  Conflict: { code: 409, retryable: true },
  Expired: { code: 410, retryable: false },
  RequestEntityTooLarge: { code: 413, retryable: false },
  UnsupportedMediaType: { code: 415, retryable: false },
  Invalid: { code: 422, retryable: false },
  TooManyRequests: { code: 429, retryable: true },
  InternalError: { code: 500, retryable: false },
  NotImplemented: { code: 501, retryable: false },
  ServiceUnavailable: { code: 503, retryable: true },
  Timeout: { code: 504, retryable: true },
  InsufficientStorage: { code: 507, retryable: false },
} as const;
export type Reason = keyof typeof reasons;

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}
/** metav1.Status */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Record<string, unknown>;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** What the outside may see of a failure. The cause is for the log. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly reason: Reason;
  readonly details: StatusDetails | undefined;
  /** ListMeta: the `continue` of an expired list. */
  readonly metadata: Record<string, unknown>;
  constructor(
    reason: Reason,
    message: string,
    options: { details?: StatusDetails; metadata?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.reason = reason;
    this.details = options.details;
    this.metadata = options.metadata ?? {};
  }
  get code(): number {
    return reasons[this.reason].code;
  }
  status(): Status {
    const { message, reason, details, metadata, code } = this;
    return { kind: "Status", apiVersion: "v1", metadata, status: "Failure", message, reason, ...(details && { details }), code };
  }
}

type Named = Pick<Kind, "plural" | "group" | "kind">;
const of = (kind: Named, name: string): StatusDetails => ({
  ...(name && { name }),
  ...(kind.group && { group: kind.group }),
  kind: kind.plural,
});

export const badRequest = (message: string): ApiError => new ApiError("BadRequest", message);
export const notFound = (kind: Named, name: string): ApiError =>
  new ApiError("NotFound", `${qualified(kind)} "${name}" not found`, { details: of(kind, name) });
export const alreadyExists = (kind: Named, name: string): ApiError =>
  new ApiError("AlreadyExists", `${qualified(kind)} "${name}" already exists`, { details: of(kind, name) });
export const conflict = (
  kind: Named,
  name: string,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): ApiError =>
  new ApiError("Conflict", `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`, { details: of(kind, name) });
export const forbiddenObject = (kind: Named, name: string, why: string, causes?: StatusDetails["causes"]): ApiError =>
  new ApiError("Forbidden", `${qualified(kind)} "${name}" is forbidden: ${why}`, {
    details: { ...of(kind, name), ...(causes && { causes }) },
  });

/** 422. kubectl prints the causes, not the message, so both carry the same. Of very many, and of long names, both say only the beginning. */
export function invalidObject(kind: Named, name: string, all: readonly Cause[]): ApiError {
  const short = String(name).slice(0, shownCharacters);
  const causes = all.slice(0, reportedProblems).map((cause) => ({ ...cause, field: cause.field.slice(0, shownCharacters) }));
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new ApiError("Invalid", `${kind.kind}${kind.group ? `.${kind.group}` : ""} "${short}" is invalid: ${text}`, {
    details: { ...of(kind, short), kind: kind.kind, causes },
  });
}
