// Kills a master with SIGKILL, again and again, at random points under writers and watchers, and asks after each restart whether it has kept its word:
//   node test/system/master_kill.ts --kills 100 [--seed N]
// What is compared is in test/kit/recorded_writers.ts. Where Podman is, a node with three pods is there all the while, whose containers must not notice.
// The times it prints are those of one machine on one day.
import process from "node:process";
import { parseArgs } from "node:util";
import * as assert from "uvu/assert";
import { type Random, seeded } from "../../shared/util/clock.ts";
import { quantile } from "../bench/figures.ts";
import { type Cluster, readyPods, withCluster } from "../kit/cluster_process.ts";
import { pause } from "../kit/eventually.ts";
import { type MasterProcess, runtime, withMaster } from "../kit/master_process.ts";
import { noPodman } from "../kit/podman.ts";
import { configMaps, deployments, Ledger, ResumingWatch, type Seen, seen } from "../kit/recorded_writers.ts";

export interface KillReport {
  /** Of these, on the way up. */
  readonly kills: number;
  readonly killsWhileStarting: number;
  readonly acknowledged: number;
  readonly events: number;
  readonly resumptions: number;
  readonly revision: number;
  /** That ran from beginning to end, with the same id, StartedAt and process. */
  readonly containers: number;
  /** From the start of the process to the whole answer to the first list, sorted. */
  readonly restartMs: readonly number[];
  readonly idleRssBytes: number;
}

/** One writer: writes at its own objects until a request is not answered, then waits to be let on. */
class Writer {
  problem: Error | undefined;
  #parked: Promise<void> = Promise.resolve();
  readonly #write: () => Promise<void>;

  constructor(ledger: Ledger, master: MasterProcess, writer: string, objects: number, random: Random) {
    this.#write = async () => {
      const name = `${writer}-${Math.floor(random() * objects)}`;
      await ledger.write(master.client, writer, name, !ledger.exists(name) ? "create" : random() < 0.7 ? "update" : "delete", random);
    };
  }
  go(): void {
    this.#parked = (async () => {
      try {
        for (;;) await this.#write();
      } catch (error) {
        if (error instanceof assert.Assertion) this.problem = error;
      }
    })();
  }
  async parked(): Promise<void> {
    await this.#parked;
    if (this.problem) throw this.problem;
  }
}

/** @throws Error saying what was lost, came back, was repeated or was missed */
export function killMaster(
  kills: number,
  { seed = 1, print = () => {} }: { seed?: number; print?: (line: string) => void } = {},
): Promise<KillReport> {
  const withNode = noPodman() === undefined;
  const body = async (master: MasterProcess, cluster?: Cluster): Promise<KillReport> => {
    const standing = cluster && await startPods(cluster), containers = await standing?.();
    await pause(2_000);
    const random = seeded(seed), idleRssBytes = master.rssBytes(), restartMs: number[] = [];
    const maps = new Ledger(configMaps), sets = new Ledger(deployments), ledgers = [maps, sets];
    const list = async ({ kind }: Ledger) => {
      const answer = await master.client.ask("GET", `${kind.path}?labelSelector=written-by`);
      assert.is(answer.status, 200, JSON.stringify(answer.body));
      return answer.body;
    };
    const from = Number((await list(maps)).metadata.resourceVersion);
    const client = () => master.client;
    const watches = {
      maps: new ResumingWatch(client, maps, "labelSelector=written-by", from),
      // It sees little, so it resumes from far behind.
      some: new ResumingWatch(client, maps, "labelSelector=written-by+in+(w0,marker)", from),
      sets: new ResumingWatch(client, sets, "labelSelector=written-by", from),
    };
    const writers = [
      ...Array.from({ length: 6 }, (_, index) => new Writer(maps, master, `w${index}`, 12, random)),
      ...Array.from({ length: 2 }, (_, index) => new Writer(sets, master, `d${index}`, 3, random)),
    ];

    let lastRevision = from, events = 0;
    /** After a restart: everything is there, and every watch has shown every step once. */
    const check = async (): Promise<void> => {
      for (const ledger of ledgers) {
        ledger.settle(await list(ledger));
        await ledger.write(master.client, "marker", "marker", ledger.exists("marker") ? "update" : "create", random);
      }
      await watches.maps.until(maps.newest);
      await watches.some.until(maps.newest);
      await watches.sets.until(sets.newest);
      // The history itself has survived: a watch from before the kill, begun only now, shows what was seen then.
      const again = await replay(master, maps, lastRevision, maps.newest);
      assert.equal(again, watches.maps.events.filter(({ revision }) => revision > lastRevision), "history is told otherwise than before");
      maps.compare(watches.maps.events);
      maps.compare(watches.some.events, (name) => /^(w0|marker)/.test(name));
      sets.compare(watches.sets.events);
      for (const ledger of ledgers) ledger.close();
      assert.equal(await standing?.(), containers, "containers have noticed the kill");
      lastRevision = maps.newest;
      for (const watch of Object.values(watches)) {
        events += watch.events.length;
        watch.events = [];
      }
    };

    try {
      let done = 0, killsWhileStarting = 0;
      while (done < kills) {
        for (const writer of writers) writer.go();
        await pause(30 + random() * 700);
        await master.kill();
        done++;
        for (const writer of writers) await writer.parked();
        // Every fourth time it is killed once more on its way up, where it mends and rewrites its log.
        if (done < kills && random() < 0.25) {
          master.spawn();
          await pause(random() * 1.2 * (restartMs[0] ?? 1_000));
          await master.kill();
          done++;
          killsWhileStarting++;
        }
        const began = performance.now();
        await master.start();
        await list(maps);
        restartMs.push(performance.now() - began);
        await check();
        print(
          `${done} kills: ${maps.acknowledged + sets.acknowledged} writes acknowledged, revision ${maps.newest}, back in ${
            restartMs.at(-1)!.toFixed(0)
          } ms`,
        );
      }
      const { code } = await master.stop();
      assert.is(code, 0, "exit status after SIGTERM");
      await master.start();
      await check();
      return {
        kills: done,
        killsWhileStarting,
        acknowledged: maps.acknowledged + sets.acknowledged,
        events,
        resumptions: Object.values(watches).reduce((sum, watch) => sum + watch.resumed, 0),
        revision: maps.newest,
        containers: containers?.engine.length ?? 0,
        restartMs: restartMs.toSorted((a, b) => a - b),
        idleRssBytes,
      };
    } finally {
      await Promise.all(Object.values(watches).map((watch) => watch.stop()));
    }
  };
  return withNode ? withCluster((cluster) => body(cluster.master, cluster)) : withMaster(body);
}

/** Three pods on the node. @returns what the master says of them, and what Podman does */
async function startPods({ k, master, agent }: Cluster) {
  const namespace = "steady", count = 3, runtime = await agent.podman();
  await k.ok(`create namespace ${namespace}`);
  await k.ok(`create deployment web -n ${namespace} --image=localhost/skerry-hello:1 --replicas=${count}`);
  return async () => {
    const pods = await readyPods(master, count, { namespace }), { containers } = await runtime.observe();
    const engine = containers.map(({ id, startedAt, pid, state }) => ({ id, startedAt, pid, state }));
    return { pods, engine: engine.sort((a, b) => a.id < b.id ? -1 : 1) };
  };
}

/** Events after one revision up to another, from a watch of its own. */
async function replay(master: MasterProcess, ledger: Ledger, from: number, to: number): Promise<Seen[]> {
  const stop = new AbortController(), told: Seen[] = [];
  for await (
    const event of master.client.watch(`${ledger.kind.path}?watch=true&labelSelector=written-by&resourceVersion=${from}`, stop.signal)
  ) {
    told.push(seen(ledger.kind, event));
    if (told.at(-1)!.revision >= to) break;
  }
  stop.abort();
  return told;
}

export const summary = (report: KillReport): string =>
  `${runtime}: ${report.kills} kills -9 (${report.killsWhileStarting} while starting), ${report.acknowledged} writes acknowledged and all there, ` +
  `${report.events} events without gap or repeat over ${report.resumptions} resumed watches, revision ${report.revision}; ` +
  `${report.containers} containers did not notice; restart median ${quantile(report.restartMs, 0.5).toFixed(0)} ms, p99 ${
    quantile(report.restartMs, 0.99).toFixed(0)
  } ms; ` +
  `idle RSS ${(report.idleRssBytes / 2 ** 20).toFixed(0)} MiB`;

if (import.meta.main) {
  const { values } = parseArgs({ options: { kills: { type: "string", default: "100" }, seed: { type: "string", default: "1" } } });
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(summary(await killMaster(Number(values.kills), { seed: Number(values.seed), print })));
  process.exit(0);
}
