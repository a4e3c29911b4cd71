// kill -9 of the leader, again and again, of three masters of ours and of three members of etcd in turns: how long no write is accepted. Both have 100 ms between
// heartbeats and 1,000 ms to an election; ours takes writes through its API, etcd through its JSON gateway, at the members that are left. Whoever was
// killed is started again and is back before anybody else is killed.
import { setTimeout as delay } from "node:timers/promises";
import { type ApiClient, apiClient } from "../kit/api_client.ts";
import { eventually } from "../kit/eventually.ts";
import { runtime as engine } from "../kit/master_process.ts";
import { leaderOf, membersOf, type PeeredMaster, startMasters } from "../kit/masters_process.ts";
import { type Cluster, startCluster, titleOf } from "./clusters.ts";
import { median, print, quantile, say } from "./figures.ts";
import type { Options } from "./run.ts";
import { writeGap } from "./write_gap.ts";

const must = { medianMs: 1_600, p99Ms: 3_000 };
const objects = 100;
const path = "/api/v1/namespaces/default/configmaps";
const name = (key: string): string => `gap-${key.split("/").at(-1)}`;
const configMap = (key: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: name(key) }, data: { a: "a" } });

/** Three that can lose their leader. */
interface Side {
  readonly title: string;
  /** @returns milliseconds from the death to the first write accepted of those that began after it */
  kill(): Promise<number>;
  close(): Promise<void>;
}

export async function bench({ kills }: Options): Promise<void> {
  const sides: Side[] = [], gaps: number[][] = [[], []];
  try {
    sides.push(await ours(), await etcds());
    for (let done = 0; done < kills; done++) {
      for (const [at, side] of sides.entries()) gaps[at]!.push(await side.kill());
      if ((done + 1) % 10 === 0) {
        say(`${done + 1} kills each; medians so far ${gaps.map((all) => median(all).toFixed(0)).join(" and ")} ms`);
      }
    }
  } finally {
    for (const side of sides) await side.close();
  }
  const table = gaps.map((
    all,
    at,
  ) => [sides[at]!.title, String(all.length), ...[median(all), quantile(all, 0.99), quantile(all, 1)].map((ms) => ms.toFixed(0))]);
  const met = (what: number, bound: number): string => `${bound / 1000} s: ${what <= bound ? "met" : "MISSED"}`;
  print([["ms until writes are accepted", "kills", "median", "p99", "longest"], ...table]);
  say(`\nmust, of ours: median ≤ ${met(median(gaps[0]!), must.medianMs)}; p99 ≤ ${met(quantile(gaps[0]!, 0.99), must.p99Ms)}`);
}

async function ours(): Promise<Side> {
  const masters = await startMasters(3), clients = new Map<PeeredMaster, ApiClient>();
  // A client of its own, with as many connections as writes can be waiting: a queue in here would be taken for one in there.
  const clientOf = (master: PeeredMaster): ApiClient => {
    const known = clients.get(master) ?? apiClient(master.client, { sockets: 512 });
    clients.set(master, known);
    return known;
  };
  const put = async (master: PeeredMaster, method: "POST" | "PUT", key: string, timeoutMs: number): Promise<void> => {
    const { status, body } = await clientOf(master).ask(method, method === "POST" ? path : `${path}/${name(key)}`, {
      body: configMap(key),
      timeoutMs,
    });
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  };
  const leader = (): Promise<PeeredMaster> =>
    eventually("a master leads", async () => await leaderOf(masters) ?? false, { withinMs: 60_000 });
  const first = await leader();
  for (let at = 0; at < objects; at++) await put(first, "POST", `/gap/${at}`, 10_000);
  return {
    title: `${titleOf[engine]}: masters, HTTPS`,
    async kill() {
      const victim = await leader();
      await eventually("nobody lags", async () => {
        const members = await membersOf(victim);
        return members.length === 3 && members.every(({ lag = 0, active = true }) => active && lag < 100);
      }, { withinMs: 60_000 });
      const left = masters.filter((master) => master !== victim);
      const { firstMs } = await writeGap(
        left.map((master) => ({ put: (key, _value, timeoutMs = 3_000) => put(master, "PUT", key, timeoutMs) })),
        () => victim.kill(),
      );
      clients.get(victim)?.close();
      clients.delete(victim);
      await victim.start();
      return firstMs;
    },
    async close() {
      for (const client of clients.values()) client.close();
      await Promise.all(masters.map((master) => master.close()));
    },
  };
}

async function etcds(): Promise<Side> {
  const cluster: Cluster = await startCluster("etcd", 3);
  return {
    title: "etcd: members, JSON gateway",
    async kill() {
      const victim = await cluster.leader();
      const left = cluster.members.filter((member) => member !== victim);
      const { firstMs } = await writeGap(left.map(({ ask }) => ask), () => victim.kill());
      victim.launch();
      await eventually("who was killed is back", () => victim.ask.get("/gap/0", 1_000).then(() => true, () => false), { withinMs: 60_000 });
      await delay(500);
      return firstMs;
    },
    close: () => cluster.close(),
  };
}
