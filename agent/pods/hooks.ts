// postStart and preStop.
import type { LifecycleHandler } from "../../shared/api/kinds/pod/probe.ts";
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import { probeReplyBytes } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { httpGet } from "../probes/http.ts";
import { portNumber } from "../probes/port.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";

export interface HookTarget {
  readonly id: string;
  readonly container: Container;
  /** Where httpGet goes, if it names no host. */
  readonly address: string | undefined;
}

/** Undefined: it went well; else why it did not. */
export async function runHook(
  { runtime, clock }: { readonly runtime: Pick<ContainerRuntime, "exec">; readonly clock: Clock },
  handler: LifecycleHandler,
  { id, container, address }: HookTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (handler.exec) {
      const { exitCode, output } = await runtime.exec(id, handler.exec.command ?? [], { timeoutMs, maxOutputBytes: probeReplyBytes });
      return exitCode === 0 ? undefined : `command ended with status ${exitCode}: ${output.trim()}`;
    }
    if (handler.sleep) await sleep(clock, Math.min(timeoutMs, handler.sleep.seconds * 1000), signal);
    if (handler.httpGet) {
      const { host, port } = handler.httpGet;
      const result = await httpGet({ clock }, handler.httpGet, host || address || "127.0.0.1", portNumber(port, container), timeoutMs);
      return result.healthy ? undefined : result.message;
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return (error as Error).message;
  }
}
