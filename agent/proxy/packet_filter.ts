// What the proxy needs of the kernel's packet filter. nft.ts is the real one; emulated devices pretend with the one below.
import { aborted } from "../../shared/util/signal.ts";
import type { Stale } from "./render.ts";

/** UDP "connections" to a door (`address port`; address `*` for any) that were answered by one of these addresses. */
export interface StaleFlow {
  readonly address: string;
  readonly port: number;
  readonly answeredBy: string;
}

export interface PacketFilter {
  /** One transaction: all of it or nothing. @throws FilterError */
  apply(text: string): Promise<void>;
  /** Is the table still as the last full load left it, as far as a short look can tell? @throws FilterError when it cannot look */
  check(): Promise<boolean>;
  /** Call after a full load: what `check` compares with. */
  remember(): Promise<void>;
  /** Names of all chains and sets in the table. */
  names(): Promise<Stale>;
  /** Forgets them, so that the next packet is routed anew. */
  forgetFlows(flows: readonly StaleFlow[]): Promise<void>;
  /** Calls `changed` whenever somebody may have changed the table: a hint. Resolves when the signal aborts. */
  watch(changed: () => void, signal: AbortSignal): Promise<void>;
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

  apply(text: string): Promise<void> {
    this.applied++;
    this.text = text;
    return Promise.resolve();
  }
  check(): Promise<boolean> {
    return Promise.resolve(true);
  }
  remember(): Promise<void> {
    return Promise.resolve();
  }
  names(): Promise<Stale> {
    return Promise.resolve({ chains: [], sets: [] });
  }
  forgetFlows(): Promise<void> {
    return Promise.resolve();
  }
  async watch(_changed: () => void, signal: AbortSignal): Promise<void> {
    await aborted(signal);
  }
}
