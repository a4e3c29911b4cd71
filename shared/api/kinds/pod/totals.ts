// What a whole pod asks for, or may have at most: more than the sum of its containers where its start takes more.
import { parseQuantity, type Quantity } from "../../quantity.ts";
import type { Container } from "./container.ts";
import type { PodSpec } from "./pod_spec.ts";

export type Totals = Readonly<Record<string, Quantity>>;
type Mutable = Record<string, Quantity>;

export const quantitiesOf = (list: Readonly<Record<string, string>> = {}): Mutable =>
  Object.fromEntries(Object.entries(list).map(([name, written]) => [name, parseQuantity(written)]));

function add(into: Mutable, from: Totals): void {
  for (const [name, more] of Object.entries(from)) {
    const had = Object.hasOwn(into, name) ? into[name]! : { nano: 0n, format: more.format };
    into[name] = { nano: had.nano + more.nano, format: had.nano === 0n ? more.format : had.format };
  }
}
function raise(into: Mutable, from: Totals): void {
  for (const [name, other] of Object.entries(from)) {
    if (!Object.hasOwn(into, name) || into[name]!.nano < other.nano) into[name] = other;
  }
}

/**
 * The sum of its containers, or what its most demanding init container needs, if that is more. An init container that restarts (a sidecar, KEP-753) counts
 * with the containers and with every init container after it. Without the pod's overhead.
 */
export function podTotals({ containers = [], initContainers = [] }: PodSpec, which: "requests" | "limits"): Totals {
  const running: Mutable = {}, starting: Mutable = {}, sidecars: Mutable = {};
  const of = ({ resources }: Container) => quantitiesOf(resources?.[which]);
  for (const container of containers) add(running, of(container));
  for (const container of initContainers) {
    const own = of(container);
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
  return running;
}
export const withOverhead = (totals: Totals, overhead: PodSpec["overhead"]): Totals => sum(totals, quantitiesOf(overhead));
export function sum(...parts: readonly Totals[]): Totals {
  const all: Mutable = {};
  for (const part of parts) add(all, part);
  return all;
}
