// One member's life: memory at rest and with 100,000 values of 1 KiB, and how long it takes to be back after kill -9 with them.
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, type Engine, engines, type Member, startCluster } from "./clusters.ts";
import type { Generator } from "./store_load.ts";
import { rssMb } from "./subject.ts";
import type { Line } from "./verdict.ts";

const keys = 100_000;
/** Milliseconds of rest before a look at the memory: what is being collected just then is not what a process needs. */
const restMs = 5_000, settleMs = 12_000;

type Figure = "rest" | "full" | "restart" | "after";

/** The three rest at the same time; what takes CPU, they do one after the other. */
export async function lifeLines(generator: Generator, rounds: number): Promise<Line[]> {
  const found: Record<Figure, Partial<Record<Engine, number[]>>> = { rest: {}, full: {}, restart: {}, after: {} };
  const note = (what: Figure, engine: Engine, value: number): void => void (found[what][engine] ??= []).push(value);
  for (let round = 0; round < rounds; round++) {
    const clusters: Cluster[] = [];
    try {
      for (const engine of engines) clusters.push(await startCluster(engine, 1));
      const each = async (act: (engine: Engine, member: Member) => Promise<void> | void): Promise<void> => {
        for (const { engine, members } of clusters) await act(engine, members[0]!);
      };
      await delay(restMs);
      await each((engine, { pid }) => note("rest", engine, rssMb(pid)));
      await each(async (engine, member) => {
        await generator.fill({ target: engine === "etcd" ? "etcd" : "frames", endpoint: member.endpoint, keys });
        await member.ask.compact();
      });
      await delay(settleMs);
      await each((engine, { pid }) => note("full", engine, rssMb(pid)));
      await each(async (engine, member) => {
        await member.kill();
        const started = performance.now();
        member.launch();
        while (!await member.ask.get("/r/core/configmaps/default/099999", 2_000).then(() => true, () => false)) await delay(2);
        note("restart", engine, performance.now() - started);
      });
      await delay(settleMs);
      await each((engine, { pid }) => note("after", engine, rssMb(pid)));
    } finally {
      for (const cluster of clusters) await cluster.close();
    }
  }
  return [
    { what: "RSS at rest", unit: "MB", samples: found.rest, must: { atMost: 80 } },
    { what: "RSS with 100,000 × 1 KiB, compacted", unit: "MB", samples: found.full, must: { atMost: 260, atMostTimes: 1.5 } },
    { what: "kill -9, restart → first linearizable read", unit: "ms", samples: found.restart, must: { atMostTimes: 1 } },
    { what: "RSS after that restart", unit: "MB", samples: found.after },
  ];
}
