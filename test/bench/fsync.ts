// The store without anything around it, in this process: a put acknowledged beside a bare write and fdatasync of as many bytes, in the same loop on the same disk.
import { rm } from "node:fs/promises";
import process from "node:process";
import { openStore } from "../../master/store/embedded.ts";
import type { OpenedStore } from "../../master/store/face.ts";
import { nodeFiles } from "../../master/store/files.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { BareLog, timed } from "./bare_log.ts";
import { type Compared, figure, median, print, printCompared, quantile, say } from "./figures.ts";
import { temporary } from "./subject.ts";

const rounds = 7, pairs = 300, valueBytes = 1024, keys = 10_000, loadMs = 1500;
/** What a value of this size is in the log: its frame and its key beside it. */
const recordBytes = 1100;
const callers = [1, 64];

export async function bench(): Promise<void> {
  const dataDir = await temporary();
  const store = await openStore({ clock: systemClock, random: systemRandom, files: nodeFiles, log: silentLog }, {
    dataDir: `${dataDir}/raft`,
  });
  const bare = await BareLog.open(`${dataDir}/bare`);
  try {
    say(`${rounds} rounds of ${pairs} pairs; values of ${valueBytes} bytes under ${keys} keys\n`);
    const { compared, p99 } = await latency(store, bare);
    printCompared(compared);
    say(`\np99: put ${figure(p99.ours)} µs, write + fdatasync ${figure(p99.bare)} µs\n`);
    await throughput(store, bare);
  } finally {
    await store.close();
    await bare.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** One put, one bare write, in turns: whatever the disk does, it does to both. */
async function latency(store: OpenedStore, bare: BareLog): Promise<{ compared: Compared[]; p99: { ours: number; bare: number } }> {
  const ours: number[] = [], theirs: number[] = [], all = { ours: [] as number[], bare: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    const samples = { ours: [] as number[], bare: [] as number[] };
    for (let pair = 0; pair < pairs; pair++) {
      samples.bare.push(await timed(() => bare.append(recordBytes)));
      samples.ours.push(await timed(() => put(store)));
    }
    if (round < 0) continue;
    ours.push(median(samples.ours));
    theirs.push(median(samples.bare));
    all.ours.push(...samples.ours);
    all.bare.push(...samples.bare);
  }
  return {
    compared: [{ what: "put p50, 1 caller", unit: "µs", subject: ours, bare: theirs }],
    p99: { ours: quantile(all.ours, 0.99), bare: quantile(all.bare, 0.99) },
  };
}

/** Everybody puts at once, the next as soon as one is acknowledged; the bare log writes as many records at once as there are callers. */
async function throughput(store: OpenedStore, bare: BareLog): Promise<void> {
  const rows = [["callers", "puts/s", "bare records/s", "ratio", "CPU µs/put", "bare CPU µs/record"]];
  for (const count of callers) {
    const ours: Rate[] = [], theirs: Rate[] = [];
    for (let round = -1; round < rounds; round++) {
      const b = await rate(1, count, () => bare.append(count * recordBytes)), a = await rate(count, 1, () => put(store));
      if (round < 0) continue;
      ours.push(a);
      theirs.push(b);
    }
    rows.push([
      String(count),
      median(ours.map((sample) => sample.perSecond)).toFixed(0),
      median(theirs.map((sample) => sample.perSecond)).toFixed(0),
      `${median(ours.map((sample, at) => sample.perSecond / theirs[at]!.perSecond)).toFixed(2)}×`,
      figure(median(ours.map((sample) => sample.cpuUs))),
      figure(median(theirs.map((sample) => sample.cpuUs))),
    ]);
  }
  print(rows);
}

interface Rate {
  readonly perSecond: number;
  readonly cpuUs: number;
}
/** `each`: operations a call stands for. */
async function rate(count: number, each: number, call: () => Promise<unknown>): Promise<Rate> {
  const started = performance.now(), cpu = process.cpuUsage();
  let calls = 0;
  await Promise.all(Array.from({ length: count }, async () => {
    while (performance.now() - started < loadMs) {
      await call();
      calls += each;
    }
  }));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: calls / (performance.now() - started) * 1000, cpuUs: (user + system) / calls };
}

const value = new Uint8Array(valueBytes).fill(0x61);
let turn = 0;
function put(store: OpenedStore): Promise<unknown> {
  // Far from the last one, as keys of different objects are.
  const key = `/r/core/configmaps/default/${String(turn++ * 7919 % keys).padStart(6, "0")}`;
  return store.txn({ compares: [], then: [{ do: "put", key, value }] });
}
