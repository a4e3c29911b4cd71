// The store beside etcd, in turns in one run: writes, reads, memory, restart, what clients notice of a leader that stops, and how long the event loop is held up.
import { type Cluster, type Engine, engines, startCluster } from "./clusters.ts";
import { say } from "./figures.ts";
import type { Options } from "./run.ts";
import { apiLines } from "./store_api.ts";
import { calmLines } from "./store_calm.ts";
import { lifeLines } from "./store_life.ts";
import { Generator, type Load, type Rate } from "./store_load.ts";
import { type Line, printVerdicts, type Samples } from "./verdict.ts";

/** Milliseconds of one measurement. */
const forMs = 2_000;
const ours = ["node", "deno"] as const;
const callers = [1, 64, 256];

export async function bench({ rounds }: Options): Promise<void> {
  const generator = await Generator.build({ forMs });
  say(
    `${rounds} rounds in turns, medians; values of 1 KiB under 10,000 keys; CPU is that of all members together. What a line must reach is said of 3 members.\n`,
  );
  const lines: Line[] = [], noted: string[] = [];
  const part = async (name: string, made: Promise<readonly Line[]>): Promise<void> => {
    const started = performance.now(), found = await made;
    lines.push(...found);
    say(`${name}, ${((performance.now() - started) / 1000).toFixed(0)} s:\n`);
    printVerdicts(found, ours);
    say("");
  };
  await part("3 members", rateLines(generator, 3, rounds, noted));
  await part("1 member", rateLines(generator, 1, rounds, noted));
  await part("Through the API of 3 masters, 64 callers", apiLines(generator, rounds));
  await part("Memory and restart, 1 member, 100,000 keys", lifeLines(generator, rounds));
  await part("What clients notice", calmLines(generator, rounds));
  say(noted.join("\n"));
}

interface Cell {
  readonly op: Load["op"];
  readonly clients: number;
}

async function rateLines(generator: Generator, members: 1 | 3, rounds: number, noted: string[]): Promise<Line[]> {
  const cells: Cell[] = [...callers.map((clients) => ({ op: "put" as const, clients })), { op: "get", clients: 64 }];
  const clusters: Cluster[] = [], rates = new Map<string, Rate[]>();
  try {
    for (const engine of engines) clusters.push(await startCluster(engine, members));
    // Every key is there, and nobody is measured cold.
    for (const cluster of clusters) {
      await generator.fill({ target: targetOf(cluster.engine), endpoint: (await cluster.leader()).endpoint, keys: 20_000 });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { op, clients } of cells) {
        for (const { engine, pids, leader } of clusters) {
          const { endpoint } = await leader(), key = `${op} ${clients} ${engine}`;
          const rate = await generator.measure({ target: targetOf(engine), endpoint, op, clients, pids });
          rates.set(key, [...rates.get(key) ?? [], rate]);
        }
      }
    }
  } finally {
    for (const cluster of clusters) await cluster.close();
  }
  const of = ({ op, clients }: Cell, pick: (rate: Rate) => number): Samples =>
    Object.fromEntries(engines.map((engine) => [engine, rates.get(`${op} ${clients} ${engine}`)!.map(pick)]));
  const three = members === 3, busiest = Math.max(...[...rates.values()].flat().map(({ busy }) => busy));
  const own = [...rates].filter(([key]) => key.startsWith("put")).map(([key, all]) => `${key}: ${all[0]!.clientUs.toFixed(0)}`);
  noted.push(
    `${members} members: the generator's own CPU µs an operation, first round: ${own.join(", ")}; at most ${
      busiest.toFixed(2)
    } processors busy.`,
  );
  return [
    ...cells.map((cell): Line => ({
      what: `${cell.op}s/s, ${cell.clients} caller${cell.clients > 1 ? "s" : ""}`,
      unit: "/s",
      samples: of(cell, ({ perSecond }) => perSecond),
      ...(three && (cell.op === "get" || cell.clients > 1) && { must: { atLeastTimes: 1 } }),
    })),
    {
      what: "put p50, 1 caller",
      unit: "µs",
      samples: of(cells[0]!, ({ p50Us }) => p50Us),
      ...(three && { must: { atMostTimes: 1.2 } }),
    },
    ...cells.map((cell): Line => ({
      what: `CPU a ${cell.op}, ${cell.clients} caller${cell.clients > 1 ? "s" : ""}`,
      unit: "µs",
      samples: of(cell, ({ cpuUs }) => cpuUs),
      ...(three && cell.op === "put" && { must: { atMostTimes: 0.6 } }),
    })),
  ];
}

const targetOf = (engine: Engine): "etcd" | "frames" => engine === "etcd" ? "etcd" : "frames";
