// Three masters, writers at all of them, and the leader killed with SIGKILL again and again:
//   node test/processes/leader_kill.ts --kills 100
// Nothing acknowledged may be lost, no revision given out twice, and no read at any member may show less than what was acknowledged before it. It prints how
// long writes stood still. The times are those of one machine on one day; two cores carry three masters and the writers.
import process from "node:process";
import { parseArgs } from "node:util";
import * as assert from "uvu/assert";
import { quantile } from "../bench/figures.ts";
import { eventually, pause } from "../kit/eventually.ts";
import { runtime } from "../kit/master_process.ts";
import { leaderOf, type PeeredMaster, startMasters } from "../kit/masters_process.ts";

export interface LeaderKillReport {
  readonly kills: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly reads: number;
  /** Milliseconds from the kill to the first write that was acknowledged after it, sorted. */
  readonly gapsMs: readonly number[];
  /** The same for a leader that was told to stop. */
  readonly handOverMs: number;
}
const path = "/api/v1/namespaces/default/configmaps";

/** Writes and reads at whichever master answers, and remembers what it was told. */
class Client {
  readonly acknowledged = new Map<string, number>();
  unknown = 0;
  reads = 0;
  /** When the newest write was asked for that has been acknowledged, and when it was. */
  lastAsked = 0;
  lastAck = 0;
  problem: Error | undefined;
  #stopped = false;
  readonly #name: string;
  readonly #masters: readonly PeeredMaster[];

  constructor(name: string, masters: readonly PeeredMaster[]) {
    this.#name = name;
    this.#masters = masters;
  }
  stop(): void {
    this.#stopped = true;
  }
  async run(): Promise<void> {
    for (let at = 0; !this.#stopped && !this.problem; at++) {
      const { client } = this.#masters[at % this.#masters.length]!, name = `${this.#name}-${at}`, asked = performance.now();
      try {
        const { status, body } = await client.ask("POST", path, { body: object(name), timeoutMs: 4_000 });
        if (status === 201) this.#acknowledge(name, Number(body.metadata.resourceVersion), asked);
        else if (status === 504) this.unknown++; // nobody can say whether it was made
        else assert.ok(status === 503 || status === 429, `create: ${status} ${JSON.stringify(body)}`);
        if (status === 201 && at % 5 === 4) await this.#read(name);
      } catch (error) {
        if (error instanceof assert.Assertion) this.problem = error;
        else this.unknown++;
        await pause(20);
      }
    }
  }
  #acknowledge(name: string, revision: number, asked: number): void {
    this.acknowledged.set(name, revision);
    this.lastAsked = asked;
    this.lastAck = performance.now();
  }
  /** At another master than the one that wrote it: what was acknowledged before is there. */
  async #read(name: string): Promise<void> {
    const { client } = this.#masters[Math.floor(Math.random() * this.#masters.length)]!;
    const { status, body } = await client.ask("GET", `${path}/${name}`, { timeoutMs: 4_000 });
    if (status === 503 || status === 504) return;
    this.reads++;
    assert.is(status, 200, `${name} was acknowledged, and a read says ${JSON.stringify(body)}`);
    assert.is(Number(body.metadata.resourceVersion), this.acknowledged.get(name), "resourceVersion");
  }
}
const object = (name: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels: { "written-by": "clients" } },
  data: { name },
});

/** @throws Error saying what was lost */
export async function killLeaders(kills: number, print: (line: string) => void = () => {}): Promise<LeaderKillReport> {
  const masters = await startMasters(3), gapsMs: number[] = [];
  const clients = Array.from({ length: 3 }, (_, at) => new Client(`c${at}`, [...masters.slice(at), ...masters.slice(0, at)]));
  const check = (): void => {
    for (const { problem } of clients) if (problem) throw problem;
  };
  const writeAfter = (from: number): Promise<number> =>
    eventually("a write is acknowledged", () => {
      check();
      const after = clients.filter(({ lastAsked }) => lastAsked > from).map(({ lastAck }) => lastAck);
      return after.length > 0 && Math.min(...after) - from;
    }, { withinMs: 60_000, everyMs: 5 });
  const leader = (): Promise<PeeredMaster> =>
    eventually("somebody leads", async () => await leaderOf(masters) ?? false, { withinMs: 60_000 });
  try {
    const running = clients.map((client) => client.run());
    await writeAfter(performance.now());
    for (let done = 1; done <= kills; done++) {
      const victim = await leader();
      await victim.kill();
      const from = performance.now();
      gapsMs.push(await writeAfter(from));
      await victim.start();
      await pause(500);
      check();
      print(
        `${done} kills: ${clients.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)} writes acknowledged; writes again after ${
          gapsMs.at(-1)!.toFixed(0)
        } ms (${(performance.now() - from).toFixed(0)} ms until it was back)`,
      );
    }
    const polite = await leader(), from = performance.now(), stopped = polite.stop();
    const handOverMs = await gap(clients, from, 3_000);
    assert.is((await stopped).code, 0, "exit status after SIGTERM");
    await polite.start();
    for (const client of clients) client.stop();
    await Promise.all(running);
    check();
    await compare(masters, clients);
    return {
      kills,
      acknowledged: clients.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0),
      unknown: clients.reduce((sum, { unknown }) => sum + unknown, 0),
      reads: clients.reduce((sum, { reads }) => sum + reads, 0),
      gapsMs: gapsMs.toSorted((a, b) => a - b),
      handOverMs,
    };
  } catch (error) {
    const why = error instanceof Error ? error : new Error(String(error));
    why.message += masters.map(({ name, log }) => `\n${name}:\n${log().slice(-1_500)}`).join("");
    throw why;
  } finally {
    for (const client of clients) client.stop();
    await Promise.all(masters.map((master) => master.close()));
  }
}

/** The longest that no write was acknowledged, in that time. */
async function gap(clients: readonly Client[], from: number, ms: number): Promise<number> {
  let longest = 0, last = from;
  for (; performance.now() < from + ms; await pause(2)) {
    const newest = Math.max(...clients.map(({ lastAck }) => lastAck));
    if (newest > last) {
      longest = Math.max(longest, newest - last);
      last = newest;
    }
  }
  return Math.max(longest, performance.now() - last);
}

/** Every member shows everything that was acknowledged, with the revision that was told, and no two objects have one revision. */
async function compare(masters: readonly PeeredMaster[], clients: readonly Client[]): Promise<void> {
  for (const { name, client } of masters) {
    const { status, body } = await client.ask("GET", `${path}?labelSelector=written-by%3Dclients`);
    assert.is(status, 200, JSON.stringify(body));
    const shown = new Map<string, number>(
      body.items.map((
        item: { metadata: { name: string; resourceVersion: string } },
      ) => [item.metadata.name, Number(item.metadata.resourceVersion)]),
    );
    for (const { acknowledged } of clients) {
      for (const [object, revision] of acknowledged) assert.is(shown.get(object), revision, `${object} at ${name}`);
    }
    assert.is(new Set(shown.values()).size, shown.size, "revisions are given out once");
  }
}

export const leaderSummary = ({ kills, acknowledged, unknown, reads, gapsMs, handOverMs }: LeaderKillReport): string =>
  `${runtime}: ${kills} kills -9 of the leader of three, ${acknowledged} writes acknowledged and all there on each (${unknown} of unknown outcome), ${reads} reads ` +
  `elsewhere, none stale; writes again after ${quantile(gapsMs, 0.5).toFixed(0)} ms (median), ${
    quantile(gapsMs, 0.99).toFixed(0)
  } ms (p99); longest gap around a leader that stops in order ${handOverMs.toFixed(0)} ms`;

if (import.meta.main) {
  const { values } = parseArgs({ options: { kills: { type: "string", default: "100" } } });
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(leaderSummary(await killLeaders(Number(values.kills), print)));
  process.exit(0);
}
