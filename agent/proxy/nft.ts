// The kernel's packet filter through `nft` and `conntrack`: text on standard input, one program at a time.
import { refusedRulesCharacters, staleFlows } from "../../shared/limits.ts";
import { nft } from "../../shared/names.ts";
import { CommandError, type CommandResult, type Run } from "../../shared/platform/process.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { BaseChain } from "./base.ts";
import { monitorTable } from "./monitor.ts";
import { type Disturbance, FilterError, type PacketFilter, type StaleFlow } from "./packet_filter.ts";
import type { Stale } from "./render.ts";

export interface NftNeeds {
  readonly run: Run;
  readonly log: Log;
  readonly clock: Clock;
}
export interface NftConfig {
  readonly table: string;
  /** What stands before every command; `["ip", "netns", "exec", name]` in tests. */
  readonly prefix?: readonly string[];
}

export class Nft implements PacketFilter {
  readonly #needs: NftNeeds;
  readonly #table: string;
  readonly #prefix: readonly string[];
  #turn: Promise<unknown> = Promise.resolve();
  #base: ReadonlyMap<string, BaseChain> = new Map();
  /** Rules by chain, as the kernel shows them. */
  readonly #remembered = new Map<string, readonly string[]>();
  #turns = 0;
  #saidNoConntrack = false;
  /** What of ours the monitor may be telling about, and until when (monotonic milliseconds). */
  #ours: { readonly what: "load" | "change"; readonly until: number } = { what: "change", until: 0 };

  constructor(needs: NftNeeds, { table, prefix = [] }: NftConfig) {
    this.#needs = needs;
    this.#table = table;
    this.#prefix = prefix;
  }

  async load(text: string, base: ReadonlyMap<string, BaseChain>): Promise<void> {
    await this.#write(text, "load");
    this.#base = base;
    this.#remembered.clear();
  }
  apply(text: string): Promise<void> {
    return this.#write(text, "change");
  }
  async #write(text: string, what: "load" | "change"): Promise<void> {
    const { status, stderr } = await this.#nft(["-f", "-"], text, what);
    if (status === 0) return;
    throw new FilterError(`Cannot change the rules of table ${this.#table}: ${refusal(stderr, text)}`);
  }

  /** The chain that finds services each time, the others in turn: one chain is cheap to list, the table is not. */
  async check(): Promise<boolean> {
    const names = [...this.#base.keys()];
    if (names.length === 0) return true; // nothing was loaded
    this.#turns++;
    for (const name of [marker, names[this.#turns % names.length]!]) {
      // The kernel writes rules in its own way, so the first sight of a chain is what later ones are compared with. It must have all its rules by then.
      const listed = await this.#rules(name), known = this.#remembered.get(name) ?? listed;
      if (listed.length !== this.#base.get(name)!.rules.length || listed.join() !== known.join()) return false;
      this.#remembered.set(name, listed);
    }
    return true;
  }

  async names(): Promise<Stale> {
    const { status, stdout, stderr } = await this.#nft(["-t", "list", "table", nft.family, this.#table]);
    if (status !== 0) throw new FilterError(`Cannot list table ${this.#table}: ${stderr.slice(0, refusedRulesCharacters)}`);
    const found = [...stdout.matchAll(/^\t(chain|set|map) (\S+) \{/gm)];
    const named = (...words: string[]) => found.flatMap(([, word, name]) => words.includes(word!) ? [name!] : []);
    return { chains: named("chain"), sets: named("set", "map") };
  }

  async forgetFlows(flows: readonly StaleFlow[]): Promise<void> {
    for (const { address, port, answeredBy } of flows.slice(0, staleFlows)) {
      const door = address === "*" ? [] : ["--orig-dst", address];
      const command = ["conntrack", "-D", "-p", "udp", ...door, "--orig-port-dst", String(port), "--reply-src", answeredBy];
      try {
        await this.#one(command); // 1: there was none
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        if (!this.#saidNoConntrack) {
          this.#needs.log.warn("UDP clients may stay with endpoints that are gone. Install conntrack", { error });
        }
        this.#saidNoConntrack = true;
        return;
      }
    }
  }

  async watch(disturbed: (how: Disturbance) => void, signal: AbortSignal): Promise<void> {
    const { clock } = this.#needs;
    let cancel: (() => void) | undefined;
    const seen = (what: "base" | "service"): void => {
      const { what: ours, until } = this.#ours, leftMs = until - clock.monotonic();
      if (leftMs <= 0) return disturbed(what === "base" ? "gone" : "touched");
      if (what === "service") return; // our own, as good as certainly
      if (ours === "change") return disturbed("gone"); // no change of ours touches the base
      // A load of ours empties the table as a vandal would: look once it is over.
      cancel?.();
      cancel = clock.after(Math.min(leftMs, monitorLagMs), () => disturbed("gone"));
    };
    await monitorTable(this.#needs, { table: this.#table, prefix: this.#prefix }, seen, signal);
    cancel?.();
  }

  /** None when the chain is missing. (nft 1.0.6 lists but one chain a call.) */
  async #rules(chain: string): Promise<string[]> {
    const { status, stdout } = await this.#nft(["-s", "-t", "list", "chain", nft.family, this.#table, chain]);
    return status === 0 ? stdout.split("\n").filter((line) => line.startsWith("\t\t") && !line.startsWith("\t\ttype ")) : [];
  }
  async #nft(args: readonly string[], stdin?: string, writes?: "load" | "change"): Promise<CommandResult> {
    try {
      return await this.#one(["nft", ...args], stdin, writes);
    } catch (cause) {
      throw new FilterError(`Cannot reach the packet filter: ${(cause as Error).message}`, { cause });
    }
  }
  /** One program at a time: nft reads what is there before it writes, and two would write from the same reading. */
  #one(command: readonly string[], stdin?: string, writes?: "load" | "change"): Promise<CommandResult> {
    const turn = this.#turn.then(async () => {
      if (writes) this.#ours = { what: writes, until: Infinity };
      try {
        return await this.#needs.run(command, { stdin });
      } finally {
        if (writes) this.#ours = { what: writes, until: this.#needs.clock.monotonic() + monitorLagMs };
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
/** Both NAT hooks jump to it. */
const marker = "services";
/** Milliseconds by which `nft monitor` may tell of our own change late. */
const monitorLagMs = 500;

/** The kernel's word, and the line of ours that it is about. */
function refusal(stderr: string, text: string): string {
  const line = Number(/(?:^|\n)\S*?:(\d+):\d+/.exec(stderr)?.[1] ?? NaN);
  const about = text.split("\n")[line - 1];
  return stderr.slice(0, refusedRulesCharacters).trim() +
    (about === undefined ? "" : ` [line ${line}: ${about.slice(0, refusedRulesCharacters)}]`);
}
