// When is it really over? An answer that flows has been given long before.
import type { HttpContext } from "./context.ts";

/** Calls `end` once, when the client has had its answer or has gone. Without a connection (a test) that is at once. */
export function whenClosed({ env }: HttpContext, end: () => void): void {
  const { upgrade, outgoing } = env ?? {};
  if (upgrade && !upgrade.gone.aborted) upgrade.gone.addEventListener("abort", end, { once: true });
  else if (!upgrade && outgoing && !outgoing.closed) outgoing.once("close", end);
  else end();
}
