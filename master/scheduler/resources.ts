// What a pod asks of a node, and what a node has left, in whole small units: millicores, bytes, pieces.
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { PodSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import { milliUnits, units } from "../../shared/api/quantity.ts";

/** Resource name → amount; cpu in millicores, all others in whole units. */
export type Amounts = Readonly<Record<string, number>>;

const amount = (name: string, quantity: string): number => Number(name === "cpu" ? milliUnits(quantity) : units(quantity));

function parse(list: Readonly<Record<string, string>> = {}): Record<string, number> {
  return Object.fromEntries(Object.entries(list).map(([name, quantity]) => [name, amount(name, quantity)]));
}
export const allocatable = (list: Readonly<Record<string, string>> | undefined): Amounts => parse(list);

function add(into: Record<string, number>, from: Amounts): void {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value;
}
function raise(into: Record<string, number>, from: Amounts): void {
  for (const [name, value] of Object.entries(from)) into[name] = Math.max(into[name] ?? 0, value);
}

/**
 * The sum of its containers, or what its most demanding init container needs, if that is more; plus the pod's overhead. An init container that restarts
 * (a sidecar, KEP-753) counts with the containers and with every init container after it.
 */
export function requested(spec: PodSpec): Amounts {
  const running: Record<string, number> = {}, starting: Record<string, number> = {}, sidecars: Record<string, number> = {};
  for (const container of spec.containers) add(running, parse(container.resources?.requests));
  for (const container of spec.initContainers ?? []) {
    const own = parse(container.resources?.requests);
    if (container.restartPolicy === "Always") {
      add(running, own);
      add(sidecars, own);
      raise(starting, sidecars);
    } else {
      const peak = { ...sidecars };
      add(peak, own);
      raise(starting, peak);
    }
  }
  raise(running, starting);
  add(running, parse(spec.overhead));
  running.pods = 1;
  return running;
}

/** Ports of the node itself that the pod takes: `TCP 0.0.0.0 8080`. */
export function hostPorts(spec: PodSpec): readonly { protocol: string; ip: string; port: number }[] {
  return spec.containers.flatMap((container) =>
    (container.ports ?? []).flatMap((port) =>
      port.hostPort ? [{ protocol: port.protocol ?? "TCP", ip: port.hostIP || "0.0.0.0", port: port.hostPort }] : []
    )
  );
}

/** Has it ended for good? Then it takes nothing from its node any more. */
export const finished = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
