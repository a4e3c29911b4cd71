// `kubectl top`, at the node's end: what the machine and its containers use, measured when somebody asks. As long as nobody does, nothing is read and nothing
// flows.
import { Buffer } from "node:buffer";
import { usageWindowMs } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Usage } from "../../shared/wire/messages.ts";
import type { Reading } from "../link/tunnel.ts";
import type { Pods } from "../pods/pods.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";

/** CPU time since the machine, or the container, began. */
export interface Amounts {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}
export interface Sample {
  /** Monotonic ms. */
  readonly at: number;
  readonly node: Amounts;
  /** By container id. */
  readonly containers: ReadonlyMap<string, Amounts>;
}
type Running = ReturnType<Pods["running"]>;

/** Pure: from two looks at the same counters. A container that was not there at the first, or began anew, is left out: nobody knows its rate yet. */
export function usageBetween(before: Sample, after: Sample, running: Running): Usage {
  const windowMs = after.at - before.at;
  const rate = (from: Amounts, to: Amounts) => ({
    cpuNanocores: Math.max(0, Math.round((to.cpuNanoseconds - from.cpuNanoseconds) * 1000 / windowMs)),
    memoryBytes: Math.round(to.memoryBytes),
  });
  return {
    windowMs: Math.round(windowMs),
    node: rate(before.node, after.node),
    containers: running.flatMap(({ podUid, name, id }) => {
      const from = before.containers.get(id), to = after.containers.get(id);
      return from && to && to.cpuNanoseconds >= from.cpuNanoseconds ? [{ podUid, name, ...rate(from, to) }] : [];
    }),
  };
}

export function usageVerb(
  { clock, runtime, machine, pods }: {
    readonly clock: Clock;
    readonly runtime: Pick<ContainerRuntime, "stats">;
    readonly machine: { usage(): Promise<Amounts> };
    readonly pods: Pick<Pods, "running">;
  },
): Reading {
  let last: Sample | undefined;
  const look = async (): Promise<Sample> => {
    const [node, containers] = await Promise.all([machine.usage(), runtime.stats()]);
    return { at: clock.monotonic(), node, containers: new Map(containers.map((one) => [one.id, one])) };
  };
  return async function* (_, signal) {
    const age = last ? clock.monotonic() - last.at : Infinity;
    if (age < usageWindowMs.least || age > usageWindowMs.most) {
      last = await look();
      await sleep(clock, usageWindowMs.least, signal);
    }
    const before = last!;
    last = await look();
    yield Buffer.from(JSON.stringify(usageBetween(before, last, pods.running())));
  };
}
