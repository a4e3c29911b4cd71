// Real masters, clients and faults, in rounds. Each round is trouble, then peace, in which the cluster must serve again within a while and all members must come
// to the same state; then everything that clients have seen is judged, and the next round begins with what the last one has shown to be there.
import { mkdirSync, writeFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import { seeded } from "../../shared/util/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { root } from "../kit/master_process.ts";
import type { History, Initial, TxnCall } from "../history/history.ts";
import { carriedOver, Clients, isOurs, marker, Memory, namespace, stayers } from "./clients.ts";
import { type FaultKind } from "./fault.ts";
import { Faults } from "./faults.ts";
import { HttpStore, prefixOf } from "./http_store.ts";
import { judge } from "./judge.ts";
import { ChaosMember } from "./member.ts";
import { leaderOf } from "./membership.ts";
import { ChaosNetwork } from "./network.ts";

export interface TrialOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly members: number;
  readonly faults: readonly FaultKind[];
  /** Milliseconds of trouble in a round. */
  readonly roundMs: number;
  /** Empty, for disks and files; gone afterwards. */
  readonly directory: string;
  /** Where the history and the logs are left when something is wrong. */
  readonly keep: string;
  /** Directory of the source that the masters run. */
  readonly source?: string;
}
export interface TrialReport {
  /** A sentence each. */
  readonly violations: readonly string[];
  readonly rounds: number;
  readonly calls: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly reads: number;
  readonly deliveries: number;
  readonly streams: number;
  readonly revision: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Milliseconds without an acknowledged write, the longest. */
  readonly longestGapMs: number;
  /** Milliseconds from the end of the trouble until every member took a write and showed all those before, the longest. */
  readonly longestHealMs: number;
  /** Rounds in which the search for an order came to no end. */
  readonly unsearched: number;
}
/** Milliseconds in which a cluster without trouble must be well: several elections and restarts on a machine that does much else. */
const healMs = 60_000;

export async function runTrial(options: TrialOptions, print: (line: string) => void): Promise<TrialReport> {
  const began = performance.now(),
    say = (what: string) => print(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${what}`);
  const { directory, members: count, source = root } = options;
  const network = await ChaosNetwork.open(count), members: ChaosMember[] = [];
  try {
    for (let at = 0; at < count; at++) members.push(new ChaosMember(at, { network, say, source, directory, count }));
    const authority = members[0]!.makeAuthority();
    for (const member of members.slice(1)) member.takeAuthority(authority);
    await Promise.all(members.map((member) => member.start()));
    const credentials = await members[0]!.credentials();
    for (const member of members) member.connect(credentials);
    return await new Trial(options, { network, members, directory, say }).run();
  } catch (error) {
    throw new Error(`${(error as Error).message}${members.map(({ name, log }) => `\n${name}:\n${log.slice(-2_000)}`).join("")}`, {
      cause: error,
    });
  } finally {
    await Promise.all(members.map((member) => member.close()));
    network.close();
  }
}

interface Scene {
  readonly network: ChaosNetwork;
  readonly members: readonly ChaosMember[];
  readonly directory: string;
  readonly say: (what: string) => void;
}
/** Who writes the markers, for the record. */
const operator = 100;

class Trial {
  readonly #options: TrialOptions;
  readonly #scene: Scene;
  readonly #stores: readonly HttpStore[];
  readonly #memory = new Memory();
  readonly #violations: string[] = [];
  readonly #sums = { rounds: 0, calls: 0, acknowledged: 0, unknown: 0, refused: 0, reads: 0, deliveries: 0, streams: 0, unsearched: 0 };
  #longestGapMs = 0;
  #longestHealMs = 0;

  constructor(options: TrialOptions, scene: Scene) {
    this.#options = options;
    this.#scene = scene;
    this.#stores = scene.members.map(({ client }) => new HttpStore(client, namespace));
  }

  async run(): Promise<TrialReport> {
    const { seed, minutes, faults: kinds, roundMs } = this.#options, random = seeded(seed), until = performance.now() + minutes * 60_000;
    const faults = new Faults(this.#scene, kinds, seeded(seed + 1));
    let initial = await this.#furnish(), open: readonly TxnCall[] = [];
    do {
      const clients = new Clients(this.#stores, this.#memory, random);
      clients.start(initial.revision + 1);
      await faults.run(Math.min(roundMs, until - performance.now()));
      const caughtUp = await this.#peace(clients);
      const { calls, watches } = clients.recorder.history(), history = { calls: [...carriedOver(open), ...calls], watches };
      const verdict = judge(history, initial, isOurs, caughtUp);
      this.#violations.push(...verdict.violations, ...clients.problems, ...faults.problems.splice(0));
      for (const { problems } of this.#scene.members) this.#violations.push(...problems.splice(0));
      this.#count(clients, { calls, watches }, verdict.isSearched);
      if (this.#violations.length > 0) this.#keep(history, initial);
      [initial, open] = [verdict.after, verdict.open];
    } while (performance.now() < until && this.#violations.length === 0);
    return {
      violations: this.#violations,
      ...this.#sums,
      revision: initial.revision,
      faults: Object.fromEntries(faults.counts),
      longestGapMs: this.#longestGapMs,
      longestHealMs: this.#longestHealMs,
    };
  }

  /** The namespace, and what is always there. */
  async #furnish(): Promise<Initial> {
    await eventually("somebody leads", async () => (await leaderOf(this.#scene.members)) !== undefined, { withinMs: healMs });
    const { client } = this.#scene.members[0]!, prefix = prefixOf(namespace);
    const make = (path: string, object: object) =>
      eventually(`${path} is made`, async () => {
        const { status } = await client.ask("POST", path, { body: object });
        return status === 201 || status === 409;
      }, { withinMs: healMs });
    await make("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    for (const key of [...stayers, marker]) {
      const metadata = { name: key.slice(prefix.length) };
      await make(`/api/v1/namespaces/${namespace}/configmaps`, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata,
        data: { value: `0.${key}` },
      });
    }
    const { revision, items } = await this.#stores[0]!.list(prefix);
    // How often they were written before does not matter, as long as it stays the same.
    return { revision, items: items.map((item) => ({ ...item, createRevision: item.modRevision, version: 1 })) };
  }

  /** After the trouble. @returns revision that every watch has shown */
  async #peace(clients: Clients): Promise<number | undefined> {
    const began = performance.now(), prefix = prefixOf(namespace), { recorder } = clients;
    try {
      const marks = await Promise.all(
        this.#stores.map((store, at) => eventually(`m${at} takes a write`, () => clients.mark(operator + at, store), { withinMs: healMs })),
      );
      await clients.stopCalling();
      const last = await eventually("the last write", () => clients.mark(operator, this.#stores[0]!), { withinMs: healMs });
      await Promise.all(this.#stores.map((store, at) =>
        eventually(`m${at} shows what the others have`, async () => {
          await recorder.list(operator + at, store, prefix);
          return (await recorder.list(operator + at, store, prefix, { serializable: true })).revision >= Math.max(last, ...marks);
        }, { withinMs: healMs })
      ));
      this.#longestHealMs = Math.max(this.#longestHealMs, performance.now() - began);
      await eventually("every watch has caught up", () => clients.areAt(last), { withinMs: healMs });
      await clients.stopWatching();
      this.#scene.say(`all is well ${(performance.now() - began).toFixed(0)} ms after the trouble, at revision ${last}`);
      return last;
    } catch (error) {
      this.#violations.push(`After the trouble: ${(error as Error).message}`);
      await clients.stopCalling();
      await clients.stopWatching();
      return undefined;
    }
  }

  #count(clients: Clients, { calls, watches }: History, isSearched: boolean): void {
    const sums = this.#sums, writes = calls.filter(({ kind }) => kind === "txn");
    sums.rounds++;
    sums.calls += calls.length;
    sums.acknowledged += clients.acknowledged;
    sums.unknown += writes.filter(({ outcome }) => outcome.is === "unknown").length;
    sums.refused += writes.filter(({ outcome }) => outcome.is === "refused").length;
    sums.reads += calls.filter(({ kind, outcome }) => kind !== "txn" && outcome.is === "done").length;
    for (const { streams } of watches) {
      sums.streams += streams.length;
      for (const { deliveries } of streams) sums.deliveries += deliveries.length;
    }
    if (!isSearched) sums.unsearched++;
    this.#longestGapMs = Math.max(this.#longestGapMs, clients.longestGapMs);
  }

  #keep(history: History, initial: Initial): void {
    const { keep } = this.#options;
    mkdirSync(keep, { recursive: true });
    writeFileSync(`${keep}/violations.txt`, `${this.#violations.join("\n")}\n`);
    writeFileSync(`${keep}/history.json`, JSON.stringify({ initial, history }, readable, 1));
    for (const { name, log } of this.#scene.members) writeFileSync(`${keep}/${name}.log`, log);
  }
}

/** For JSON: values by how they begin. What a Buffer makes of itself comes first, so the original is asked. */
function readable(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  if (original instanceof Uint8Array) return Buffer.from(original).toString().slice(0, 60);
  return value === Infinity ? "never" : value;
}
