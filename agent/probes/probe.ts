// When probes have said enough. Pure: a probe's state goes in with one more result, its next state comes out.
import type { Probe } from "../../shared/api/kinds/pod/probe.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";
/** What the probes of one container say; undefined: not yet. */
export type ProbeResults = { readonly [kind in ProbeKind]?: boolean };

export interface Counts {
  /** Results in a row: how many, and which. */
  readonly row: number;
  readonly healthy: boolean | undefined;
  /** What the thresholds have made of them. */
  readonly verdict: boolean | undefined;
}
export const unprobed: Counts = { row: 0, healthy: undefined, verdict: undefined };

/** A verdict stands until as many results in a row as the threshold says speak against it (for liveness and startup, one success is enough: the API allows no other). */
export function advance(counts: Counts, healthy: boolean, probe: Pick<Probe, "successThreshold" | "failureThreshold">): Counts {
  const row = counts.healthy === healthy ? counts.row + 1 : 1;
  const threshold = healthy ? probe.successThreshold ?? 1 : probe.failureThreshold ?? 3;
  return { row, healthy, verdict: row >= threshold ? healthy : counts.verdict };
}

/** Milliseconds from the container's start to the first probe; 0 if that has passed. */
export const firstDelayMs = (probe: Pick<Probe, "initialDelaySeconds">, ranMs: number): number =>
  Math.max(0, (probe.initialDelaySeconds ?? 0) * 1000 - Math.max(0, ranMs));
