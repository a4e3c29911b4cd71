// The kernel's packet filter through `nft` and `conntrack`: text on standard input, one program at a time.
import { refusedRulesCharacters, staleFlows } from "../../shared/limits.ts";
import { nft } from "../../shared/names.ts";
import { CommandError, type CommandResult, type Run } from "../../shared/platform/process.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { hooked } from "./base.ts";
import { monitorTable } from "./monitor.ts";
import { FilterError, type PacketFilter, type StaleFlow } from "./packet_filter.ts";
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
  /** Rules by chain, as the kernel showed them after the last full load. */
  readonly #remembered = new Map<string, string>();
  #turns = 0;
  #saidNoConntrack = false;
  /** Monotonic milliseconds until which changes seen in the kernel may be our own. */
  #oursUntil = 0;

  constructor(needs: NftNeeds, { table, prefix = [] }: NftConfig) {
    this.#needs = needs;
    this.#table = table;
    this.#prefix = prefix;
  }

  async apply(text: string): Promise<void> {
    const { status, stderr } = await this.#nft(["-f", "-"], text);
    if (status === 0) return;
    throw new FilterError(`Cannot change the rules of table ${this.#table}: ${refusal(stderr, text)}`);
  }

  /** The chain that finds services each time, the others in turn: one chain is cheap to list, the table is not. */
  async check(): Promise<boolean> {
    this.#turns++;
    for (const chain of [marker, hooked[this.#turns % hooked.length]!]) {
      const rules = await this.#rules(chain);
      if (rules === "" || rules !== this.#remembered.get(chain)) return false;
    }
    return true;
  }
  async remember(): Promise<void> {
    for (const chain of [marker, ...hooked]) this.#remembered.set(chain, await this.#rules(chain));
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

  watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const ours = () => this.#needs.clock.monotonic() < this.#oursUntil;
    return monitorTable(this.#needs, { table: this.#table, prefix: this.#prefix }, () => ours() || changed(), signal);
  }

  /** "" when the chain is missing. (nft 1.0.6 lists but one chain a call.) */
  async #rules(chain: string): Promise<string> {
    const { status, stdout } = await this.#nft(["-s", "-t", "list", "chain", nft.family, this.#table, chain]);
    return status === 0 ? stdout : "";
  }
  async #nft(args: readonly string[], stdin?: string): Promise<CommandResult> {
    try {
      return await this.#one(["nft", ...args], stdin);
    } catch (cause) {
      throw new FilterError(`Cannot reach the packet filter: ${(cause as Error).message}`, { cause });
    }
  }
  /** One program at a time: nft reads what is there before it writes, and two would write from the same reading. */
  #one(command: readonly string[], stdin?: string): Promise<CommandResult> {
    const turn = this.#turn.then(async () => {
      if (stdin !== undefined) this.#oursUntil = Infinity;
      try {
        return await this.#needs.run(command, { stdin });
      } finally {
        if (stdin !== undefined) this.#oursUntil = this.#needs.clock.monotonic() + monitorLagMs;
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
