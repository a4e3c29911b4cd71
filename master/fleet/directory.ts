// Where the masters are: each writes its own addresses into the store, and every node is told all of them, so that it finds another when the one it knows is gone.
import * as v from "valibot";
import { chain } from "../../shared/util/log.ts";
import { Wake } from "../../shared/util/signal.ts";
import type { TellingNeeds } from "./peers.ts";
import { Table } from "./table.ts";
import { runWoken } from "./woken.ts";

/** What is stored under /f/master/<member>. */
const Entry = v.object({
  /** For people. */
  name: v.string(),
  /** `mqtts://host:port`, `https://host:port`. */
  urls: v.array(v.string()),
});
type MasterEntry = v.InferOutput<typeof Entry>;

export class Directory {
  readonly #needs: TellingNeeds;
  readonly #own: () => MasterEntry;
  readonly #table: Table<MasterEntry>;
  readonly #wake = new Wake();

  constructor(needs: TellingNeeds, own: () => MasterEntry) {
    this.#needs = needs;
    this.#own = own;
    this.#table = new Table(needs.store, "/f/master/", Entry, () => this.#wake.set());
  }

  /** Of all masters, each one's addresses together, in an order that is the same everywhere. */
  urls(): string[] {
    const { peers } = this.#needs, entries = new Map<number, MasterEntry>();
    for (const [key, { value }] of this.#table.rows()) if (peers.isMember(Number(key))) entries.set(Number(key), value);
    entries.set(peers.self, this.#own()); // what is so now, whatever has been written
    return [...entries].sort(([a], [b]) => a - b).flatMap(([, { urls }]) => urls);
  }
  /** `https://host:port` */
  apiOf(member: number): string | undefined {
    return this.find(member)?.urls.find((url) => url.startsWith("https:"));
  }
  find(member: number): MasterEntry | undefined {
    return this.#table.get(String(member))?.value;
  }

  /** Keeps this master's own entry right and, on the leader, takes out those of masters that were removed. Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { peers, clock, random, log } = this.#needs, wake = this.#wake, unsubscribe = peers.subscribe(() => wake.set());
    const failed = (error: unknown): void => log.info("Cannot write down where the masters are yet, trying again", { error: chain(error) });
    wake.set();
    try {
      await Promise.all([this.#table.run(signal), runWoken({ wake, clock, random }, () => this.#keep(), failed, signal)]);
    } finally {
      unsubscribe();
    }
  }

  async #keep(): Promise<void> {
    const { peers } = this.#needs, key = String(peers.self), row = this.#table.get(key), own = this.#own();
    if (peers.leaderId === 0) return; // whoever leads wakes us
    if (JSON.stringify(row?.value) !== JSON.stringify(own) && peers.isMember(peers.self)) await this.#table.write(key, row, own);
    if (peers.leaderId !== peers.self) return;
    for (const [member, entry] of this.#table.rows()) {
      if (!peers.isMember(Number(member))) await this.#table.write(member, entry, undefined);
    }
  }
}
