// Any error → Status and code, once. What we do not know leaves as InternalError and tells nothing of itself.
import { ApiError, reasons, type Status } from "../../shared/api/status.ts";

/** Seconds after which a client that was turned away should come again, where the error does not say. */
const retryAfterSeconds = 1;

export function toStatus(error: unknown, requestId: string): Status {
  if (error instanceof ApiError) return error.status();
  return new ApiError("InternalError", `Internal error occurred: the request failed; the server's log has it as request ${requestId}`)
    .status();
}

/** True for errors that are somebody's bug or broken disk, not the client's doing: they belong into the log with their chain. */
export const isUnexpected = (error: unknown): boolean => !(error instanceof ApiError) || error.reason === "InternalError";

export function statusResponse(status: Status, headers: Record<string, string> = {}): Response {
  const code = status.code ?? 200;
  // client-go repeats every 429 and 5xx that carries Retry-After, so only what is worth repeating carries it.
  const retry = status.details?.retryAfterSeconds ??
    (code === reasons.TooManyRequests.code || code === reasons.ServiceUnavailable.code ? retryAfterSeconds : undefined);
  return new Response(JSON.stringify(status), {
    status: code,
    headers: { "content-type": "application/json", ...(retry !== undefined && { "retry-after": String(retry) }), ...headers },
  });
}

/** A path that nobody serves. Kubernetes answers plain text here, and clients make their own sentence of it. */
export const pageNotFound = (): Response =>
  new Response("404 page not found\n", { status: 404, headers: { "content-type": "text/plain; charset=utf-8" } });

export const methodNotAllowed = (): ApiError =>
  new ApiError("MethodNotAllowed", "the server does not allow this method on the requested resource");
export const unauthorized = (): ApiError => new ApiError("Unauthorized", "Unauthorized");
