// Service routes: desired set and local facts → ruleset → the smallest change → kernel; and a watch over what others do to it.
// The rules stay when the agent stops: routes outlive it. At boot the last ruleset is loaded before anything else, so that pods find each other while the
// rest of the agent is still waking up.
import { routesCheckMs, routesReloadMs, routesRetryMs, routesStoredMs, routesSuspectMs, staleChainMs } from "../../shared/limits.ts";
import { links, nft } from "../../shared/names.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { Wake } from "../../shared/util/signal.ts";
import type { DesiredSet } from "../../shared/wire/desired.ts";
import { baseNames, elementSets } from "./base.ts";
import type { LocalFacts } from "./endpoints.ts";
import { flowsToForget } from "./flows.ts";
import type { Disturbance, PacketFilter } from "./packet_filter.ts";
import { renderChange, renderFull, renderPurge, renderRemoval, type Stale } from "./render.ts";
import { Planner, type Ruleset } from "./ruleset.ts";
import { ViewReader } from "./view.ts";

/** Where the last ruleset is kept. */
export interface RulesetFile {
  /** Undefined when there is none. */
  read(): Promise<string | undefined>;
  /** Old or new after a power cut, never a mix. */
  write(text: string): Promise<void>;
}
export interface ProxyNeeds {
  readonly filter: PacketFilter;
  readonly clock: Clock;
  readonly log: Log;
  readonly file?: RulesetFile | undefined;
}
export interface ProxyConfig {
  readonly table?: string;
  readonly bridge?: string;
}
export interface Proxy {
  /** The set to make true; nothing happens before the first that has the node's own object. */
  setDesired(set: DesiredSet): void;
  setLocal(facts: Partial<LocalFacts>): void;
  /** Resolves when it has stopped; the rules stay. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once what was set before the call is in the kernel. For tests and for whoever must wait for routes. */
  settled(): Promise<void>;
  /** Takes the table away. Not while it runs. */
  purge(): Promise<void>;
}

export const createProxy = (needs: ProxyNeeds, config: ProxyConfig = {}): Proxy => new NodeProxy(needs, config);

const none: Ruleset = { base: new Map(), sets: new Map(), chains: new Map(), elements: new Map(), udp: new Map(), conflicts: [] };

class NodeProxy implements Proxy {
  readonly #needs: ProxyNeeds;
  readonly #table: string;
  readonly #planner: Planner;
  readonly #reader = new ViewReader();
  readonly #wake = new Wake();
  #set: DesiredSet | undefined;
  #facts: LocalFacts = { pods: undefined, bridgeNetfilter: true };
  /** What is in the kernel; undefined when that is not known. */
  #applied: Ruleset | undefined;
  /** Monotonic milliseconds. */
  #loadedAt = 0;
  #stale: { chains: Set<string>; sets: Set<string>; at: number } = { chains: new Set(), sets: new Set(), at: 0 };
  /** When to look next, monotonic milliseconds. */
  #lookAt = 0;
  /** Others have deleted something of ours that a look does not show. */
  #touched = false;
  #dirtySince: number | undefined;
  #lastStored = "";
  #lastConflicts = "";
  #asked = 0;
  #answered = 0;
  #waiting: { readonly turn: number; readonly resolve: () => void }[] = [];

  constructor(needs: ProxyNeeds, { table = nft.table, bridge = links.bridge }: ProxyConfig) {
    this.#needs = needs;
    this.#table = table;
    this.#planner = new Planner(bridge);
  }

  setDesired(set: DesiredSet): void {
    this.#set = set;
    this.#look();
  }
  setLocal(facts: Partial<LocalFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#look();
  }
  settled(): Promise<void> {
    return this.#answered >= this.#asked ? Promise.resolve() : new Promise((resolve) => this.#waiting.push({ turn: this.#asked, resolve }));
  }
  async purge(): Promise<void> {
    await this.#needs.filter.apply(renderPurge(this.#table));
    this.#applied = undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, filter } = this.#needs;
    await this.#restore();
    const watching = filter.watch((how) => this.#disturb(how), signal);
    let waitMs = 0;
    while (!signal.aborted) {
      await this.#wake.wait(clock, signal, waitMs);
      if (signal.aborted) break;
      const turn = this.#asked;
      try {
        await this.#guard();
        await this.#sync();
        this.#done(turn);
        await this.#store(false);
        waitMs = this.#stale.chains.size + this.#stale.sets.size > 0
          ? staleChainMs
          : this.#applied
          ? Math.max(0, this.#lookAt - clock.monotonic())
          : routesCheckMs;
      } catch (error) {
        this.#needs.log.error("Service routes could not be changed", { error });
        this.#applied = undefined; // what is there is not known any more
        waitMs = routesRetryMs;
      }
    }
    await watching;
    await this.#store(true).catch((error) => this.#needs.log.warn("The service routes could not be saved", { error }));
  }

  #look(): void {
    this.#asked++;
    this.#wake.set();
  }
  #disturb(how: Disturbance): void {
    if (how === "touched") this.#touched = true; // for the next look
    else {
      this.#lookAt = 0;
      this.#wake.set();
    }
  }
  #done(turn: number): void {
    this.#answered = turn;
    const [done, open] = [this.#waiting.filter((each) => each.turn <= turn), this.#waiting.filter((each) => each.turn > turn)];
    this.#waiting = open;
    for (const { resolve } of done) resolve();
  }

  /** Is what we put there still there? If not, or if we have been told of changes that a look does not show, the next sync loads everything. */
  async #guard(): Promise<void> {
    const { clock, filter, log } = this.#needs, now = clock.monotonic();
    if (!this.#applied || now < this.#lookAt) return; // a change of ours costs no look
    this.#lookAt = now + routesCheckMs;
    if (!await filter.check()) {
      log.warn("Somebody has changed the service routes; they are loaded again", { table: this.#table });
      this.#applied = undefined;
    } else if (now - this.#loadedAt >= (this.#touched ? routesSuspectMs : routesReloadMs)) this.#applied = undefined;
  }

  async #sync(): Promise<void> {
    const view = this.#set && this.#reader.read(this.#set);
    if (!view) return;
    const desired = this.#planner.plan(view, this.#facts), before = this.#applied;
    this.#report(desired);
    const change = before && renderChange(this.#table, before, desired);
    if (!change) await this.#load(desired);
    else {
      this.#keep(desired);
      if (change.text !== "") await this.#needs.filter.apply(change.text);
      this.#discard(change.stale);
      this.#applied = desired;
    }
    if (change?.text !== "") this.#dirtySince ??= this.#needs.clock.monotonic();
    await this.#clear();
    await this.#needs.filter.forgetFlows(flowsToForget((before ?? none).udp, desired.udp));
  }

  async #load(desired: Ruleset): Promise<void> {
    const { filter, log, clock } = this.#needs;
    this.#stale = { chains: new Set(), sets: new Set(), at: 0 };
    // With nobody's clients to remember the table is made anew, which costs the kernel half and leaves nothing behind.
    let anew = desired.sets.size === 0;
    try {
      await filter.load(renderFull(this.#table, desired, { anew }), desired.base);
    } catch (error) {
      if (anew) throw error;
      // A table of another release may hold chains or sets of the same name and another kind.
      log.warn("Service routes could not be loaded into the table that is there; it is made anew", { error });
      await filter.load(renderFull(this.#table, desired, { anew: anew = true }), desired.base);
    }
    this.#applied = desired;
    this.#loadedAt = clock.monotonic();
    this.#lookAt = this.#loadedAt + routesCheckMs;
    this.#touched = false;
    log.info("Service routes loaded", { table: this.#table, chains: desired.chains.size });
    if (anew) return;
    const { chains, sets } = await filter.names();
    this.#discard({
      chains: chains.filter((name) => !baseNames.has(name) && !desired.chains.has(name)),
      sets: sets.filter((name) => !elementSets.has(name) && !desired.sets.has(name)),
    });
  }

  #discard({ chains, sets }: Stale): void {
    for (const name of chains) this.#stale.chains.add(name);
    for (const name of sets) this.#stale.sets.add(name);
    if (chains.length + sets.length > 0) this.#stale.at = this.#needs.clock.monotonic() + staleChainMs;
  }
  /** What is wanted again is not to be deleted. */
  #keep({ chains, sets }: Ruleset): void {
    for (const name of this.#stale.chains) if (chains.has(name)) this.#stale.chains.delete(name);
    for (const name of this.#stale.sets) if (sets.has(name)) this.#stale.sets.delete(name);
  }
  async #clear(): Promise<void> {
    const { chains, sets, at } = this.#stale;
    if (chains.size + sets.size === 0 || this.#needs.clock.monotonic() < at) return;
    await this.#needs.filter.apply(renderRemoval(this.#table, { chains: [...chains], sets: [...sets] }));
    this.#stale = { chains: new Set(), sets: new Set(), at: 0 };
  }

  #report({ conflicts }: Ruleset): void {
    const text = conflicts.join(", ");
    if (text !== "" && text !== this.#lastConflicts) {
      this.#needs.log.warn("Services claim an address and port that another one has", { conflicts });
    }
    this.#lastConflicts = text;
  }

  /** Before the first set: routes as they were. */
  async #restore(): Promise<void> {
    const { file, filter, log } = this.#needs;
    try {
      const text = await file?.read();
      if (text === undefined) return;
      await filter.load(text, new Map());
      this.#lastStored = text;
    } catch (error) {
      log.warn("The saved service routes could not be loaded; they are made from the desired state", { error });
    }
  }
  async #store(now: boolean): Promise<void> {
    const { file, clock } = this.#needs;
    if (!file || !this.#applied || this.#dirtySince === undefined || (!now && clock.monotonic() - this.#dirtySince < routesStoredMs)) {
      return;
    }
    const text = renderFull(this.#table, this.#applied);
    if (text !== this.#lastStored) await file.write(text);
    this.#lastStored = text;
    this.#dirtySince = undefined;
  }
}
