// What the proxy needs of the kernel's packet filter. nft.ts is the real one; emulated devices pretend with the one below.
import { aborted } from "../../shared/util/signal.ts";
import type { BaseChain } from "./base.ts";
import type { Stale } from "./render.ts";

/** UDP "connections" to a door (`address port`; address `*` for any) that were answered by one of these addresses. */
export interface StaleFlow {
  readonly address: string;
  readonly port: number;
  readonly answeredBy: string;
}

/** What `watch` tells. gone: what every table has was deleted; look. touched: somebody else has deleted something that a look does not show. */
export type Disturbance = "gone" | "touched";

export interface PacketFilter {
  /** A whole table in one transaction: all of it or nothing. `base`: what `check` is to find. @throws FilterError */
  load(text: string, base: ReadonlyMap<string, BaseChain>): Promise<void>;
  /** A change of some services in one transaction. @throws FilterError */
  apply(text: string): Promise<void>;
  /** Are the chains of the base as the last load made them, as far as a short look can tell? @throws FilterError when it cannot look */
  check(): Promise<boolean>;
  /** Names of all chains and sets in the table. */
  names(): Promise<Stale>;
  /** Forgets them, so that the next packet is routed anew. */
  forgetFlows(flows: readonly StaleFlow[]): Promise<void>;
  /** Hints at what others do to the table. Resolves when the signal aborts. */
  watch(disturbed: (how: Disturbance) => void, signal: AbortSignal): Promise<void>;
}

/** The kernel refused, or cannot be asked. */
export class FilterError extends Error {
  override name = "FilterError";
}

/** Takes every text and holds nothing. */
export class EmulatedFilter implements PacketFilter {
  /** Transactions taken. */
  applied = 0;
  /** The last text taken. */
  text = "";

  load(text: string): Promise<void> {
    return this.apply(text);
  }
  apply(text: string): Promise<void> {
    this.applied++;
    this.text = text;
    return Promise.resolve();
  }
  check(): Promise<boolean> {
    return Promise.resolve(true);
  }
  names(): Promise<Stale> {
    return Promise.resolve({ chains: [], sets: [] });
  }
  forgetFlows(): Promise<void> {
    return Promise.resolve();
  }
  async watch(_disturbed: (how: Disturbance) => void, signal: AbortSignal): Promise<void> {
    await aborted(signal);
  }
}
