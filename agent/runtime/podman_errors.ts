// Podman's answers in the runtime's words. Podman 4 answers 500 to nearly everything, so what a 500 means is asked of Podman's state wherever the state can tell;
// only a taken address has no other witness than its text.
import { RuntimeError, type RuntimeReason } from "./runtime.ts";
import { PodmanTimeout, PodmanUnavailable } from "./podman_transport.ts";

/** The HTTP status of an error answer; undefined when there was none. */
export function status(error: unknown): number | undefined {
  const value = (error as { status?: unknown } | undefined)?.status;
  return typeof value === "number" ? value : undefined;
}

/** "Cannot <verb> <thing>: <Podman's words>". `otherwise` is the reason where status and transport say nothing special. An abort stays the caller's own reason. */
export function runtimeError(error: unknown, what: string, otherwise: RuntimeReason = "Engine", signal?: AbortSignal): unknown {
  if (error instanceof RuntimeError) return error;
  if (signal?.aborted && error === signal.reason) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new RuntimeError(reasonOf(error, otherwise), `Cannot ${what}: ${words}`, { cause: error });
}

function reasonOf(error: unknown, otherwise: RuntimeReason): RuntimeReason {
  if (error instanceof PodmanUnavailable) return "Unavailable";
  if (error instanceof PodmanTimeout) return "Timeout";
  if (status(error) === 404) return "NotFound";
  if (addressTaken(error)) return "AddressTaken";
  return otherwise;
}

/** netavark's host-local IPAM: "IPAM error: requested ip address 10.0.0.9 is already allocated to container ID …". */
const addressTaken = (error: unknown): boolean => error instanceof Error && /IPAM error: .*already allocated/s.test(error.message);

/** Runs `work`, and says in the runtime's words what became of it. `what` follows "Cannot". @throws RuntimeError, and the signal's reason */
export async function attempt<T>(
  what: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
  otherwise: Parameters<typeof runtimeError>[2] = "Engine",
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw runtimeError(error, what, otherwise, signal);
  }
}
