// What a pod asks of a node, and what a node has left, in whole small units: millicores, bytes, pieces.
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { PodSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import { podTotals, quantitiesOf, type Totals, withOverhead } from "../../shared/api/kinds/pod/totals.ts";
import { milliUnits, units } from "../../shared/api/quantity.ts";

/** Resource name → amount; cpu in millicores, all others in whole units. */
export type Amounts = Readonly<Record<string, number>>;

const amountsOf = (totals: Totals): Record<string, number> =>
  Object.fromEntries(Object.entries(totals).map(([name, amount]) => [name, Number(name === "cpu" ? milliUnits(amount) : units(amount))]));
export const allocatable = (list: Readonly<Record<string, string>> | undefined): Amounts => amountsOf(quantitiesOf(list));

/** What the pod needs to start and to run, its overhead included, and its place among the node's pods. */
export const requested = (spec: PodSpec): Amounts => ({ ...amountsOf(withOverhead(podTotals(spec, "requests"), spec.overhead)), pods: 1 });

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
