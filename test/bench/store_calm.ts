// What clients notice of a store that is busy with itself: how long its event loop is held up while it takes snapshots and compacts 100,000 keys under load, and how
// long no write is accepted when the leader is told to stop.
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, type Engine, engines, startCluster } from "./clusters.ts";
import type { Generator } from "./store_load.ts";
import { stallProbe } from "./stall_probe.ts";
import type { Line } from "./verdict.ts";
import { writeGap } from "./write_gap.ts";

const keys = 100_000, clients = 64;
const ours = ["node", "deno"] as const;

export async function calmLines(generator: Generator, rounds: number): Promise<Line[]> {
  const late: Record<"p999" | "max" | "quiet", Partial<Record<Engine, number[]>>> = { p999: {}, max: {}, quiet: {} };
  for (const engine of ours) {
    const cluster = await startCluster(engine, 1), [member] = cluster.members;
    try {
      await generator.fill({ target: "frames", endpoint: member!.endpoint, keys });
      await member!.ask.stalls();
      const own = stallProbe(); // what the machine does to a process that only waits
      for (let round = 0; round < rounds; round++) {
        // Some 50,000 writes, which is a snapshot; and a compaction that gives up as many records.
        for (let turn = 0; turn < 2; turn++) {
          await generator.measure({ target: "frames", endpoint: member!.endpoint, op: "put", clients, keys, pids: [] });
          await member!.ask.compact();
        }
      }
      // Of all rounds together: one of them has too few looks to have a p99.9.
      const { p999, max } = await member!.ask.stalls();
      late.p999[engine] = [p999];
      late.max[engine] = [max];
      late.quiet[engine] = [own.stop().p999];
    } finally {
      await cluster.close();
    }
  }
  const gaps: Partial<Record<Engine, number[]>> = {};
  for (const engine of engines) {
    const cluster = await startCluster(engine, 3);
    try {
      for (let round = 0; round < rounds; round++) (gaps[engine] ??= []).push(await stopGap(cluster));
    } finally {
      await cluster.close();
    }
  }
  return [
    {
      what: "event loop late, p99.9, 64 callers, snapshots and compaction",
      unit: "ms",
      samples: late.p999,
      must: { atMost: 50 },
    },
    { what: "the same, longest", unit: "ms", samples: late.max },
    { what: "a process that only waits beside it, p99.9", unit: "ms", samples: late.quiet },
    { what: "SIGTERM to the leader → longest gap between accepted writes", unit: "ms", samples: gaps, must: { atMost: 300 } },
  ];
}

/** Stops the leader in order and starts it again. @returns milliseconds */
async function stopGap(cluster: Cluster): Promise<number> {
  const leader = await cluster.leader(), others = cluster.members.filter((member) => member !== leader);
  const gap = await writeGap(others.map(({ ask }) => ask), async () => {
    await leader.stop();
  });
  leader.launch();
  await delay(1_500); // until it has caught up
  return gap.longestMs;
}
