// Writes through the HTTP API of three masters, beside the same number of puts into three members of etcd.
import { type Cluster, startCluster } from "./clusters.ts";
import { leaderOf, type PeeredMaster, startMasters } from "../kit/masters_process.ts";
import { eventually } from "../kit/eventually.ts";
import type { Generator, Rate } from "./store_load.ts";
import type { Line, Samples } from "./verdict.ts";

const clients = 64, keys = 640;
const runtimes = ["node", "deno"] as const;

export async function apiLines(generator: Generator, rounds: number): Promise<Line[]> {
  const rates = { etcd: [] as Rate[], node: [] as Rate[], deno: [] as Rate[] };
  const masters: Partial<Record<"node" | "deno", PeeredMaster[]>> = {};
  let etcd: Cluster | undefined;
  try {
    etcd = await startCluster("etcd", 3);
    await generator.fill({ target: "etcd", endpoint: (await etcd.leader()).endpoint, keys });
    for (const runtime of runtimes) {
      masters[runtime] = await startMasters(3, runtime);
      await generator.fill({ ...await place(masters[runtime]), keys });
    }
    for (let round = 0; round < rounds; round++) {
      const { pids, leader } = etcd;
      rates.etcd.push(await generator.measure({ target: "etcd", endpoint: (await leader()).endpoint, op: "put", clients, keys, pids }));
      for (const runtime of runtimes) {
        const all = masters[runtime]!;
        rates[runtime].push(await generator.measure({ ...await place(all), op: "put", clients, keys, pids: all.map(({ pid }) => pid) }));
      }
    }
  } finally {
    await etcd?.close();
    for (const all of Object.values(masters)) await Promise.all(all.map((master) => master.close()));
  }
  const of = (pick: (rate: Rate) => number): Samples => ({
    etcd: rates.etcd.map(pick),
    node: rates.node.map(pick),
    deno: rates.deno.map(pick),
  });
  return [
    {
      what: "PUTs/s of a ConfigMap, HTTP/JSON over TLS",
      unit: "/s",
      samples: of(({ perSecond }) => perSecond),
      must: { atLeastTimes: 0.5 },
    },
    { what: "p50", unit: "µs", samples: of(({ p50Us }) => p50Us) },
    { what: "CPU a PUT", unit: "µs", samples: of(({ cpuUs }) => cpuUs) },
  ];
}

/** Where the generator finds the master that leads. */
async function place(masters: readonly PeeredMaster[]): Promise<{ target: "api"; endpoint: string; tls: string }> {
  const { port, dataDir } = await eventually("a master leads", async () => await leaderOf(masters) ?? false, { withinMs: 60_000 });
  return { target: "api", endpoint: `127.0.0.1:${port}`, tls: `${dataDir}/pki` };
}
