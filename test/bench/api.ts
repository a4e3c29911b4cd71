// CPU of the master's process for a request, beside a bare node:https server with the same TLS: what authentication, authorization, decoding, admission and the
// store add. Pods are of a scheduler that is not there, so that no decision about them is counted as cost of the request.
import { writeFile } from "node:fs/promises";
import { type Compared, median, printCompared, say } from "./figures.ts";
import { type Connection, drive, open, request } from "./load.ts";
import { pod } from "./pod.ts";
import type { MasterProcess } from "../kit/master_process.ts";
import { cpuUs, rssMb, start, startMaster, type Subject } from "./subject.ts";

const connections = 32, rounds = 7;
/** Enough for the 10 ms steps of /proc/pid/stat. */
const gets = 6000, writes = 3000, warmUp = 3000;
const collection = "/api/v1/namespaces/default/pods";

interface Side {
  /** Process. */
  readonly pid: number;
  readonly connections: readonly Connection[];
}
interface Sample {
  readonly cpuUs: number;
  readonly perSecond: number;
}

export async function bench(): Promise<void> {
  const master = await startMaster();
  let bare: Subject | undefined;
  try {
    const first = await openAll(master.port, master, 1);
    await drive(first, 1, () => request("POST", collection, JSON.stringify(pod("fetched", "first"))));
    const { body } = await first[0]!.send(request("GET", `${collection}/fetched`));
    for (const connection of first) connection.close();
    const path = `${master.directory}/pod.json`;
    await writeFile(path, body);
    bare = await start("test/bench/bare_https.ts", [`${master.dataDir}/pki`, path], /listening on (\d+)/);
    const ours: Side = { pid: master.pid, connections: await openAll(master.port, master, connections) };
    const theirs: Side = { pid: bare.pid, connections: await openAll(Number(bare.ready[1]), master, connections) };
    const size = JSON.stringify(pod("0-00000", "0000000")).length;
    say(
      `${rounds} rounds of ${gets} GETs of ${body.length} bytes, ${writes} POSTs and PUTs of ${size} bytes, ${connections} connections\n`,
    );

    const lines: Compared[] = [], rates: string[] = [];
    const measure = async (
      what: string,
      count: number,
      next: (round: number) => (index: number) => Uint8Array,
      after?: () => Promise<void>,
    ) => {
      const subject: Sample[] = [], anchor: Sample[] = [];
      for (let round = -1; round < rounds; round++) {
        const total = round < 0 ? warmUp : count, b = await sample(theirs, total, next(round)), a = await sample(ours, total, next(round));
        await after?.();
        if (round < 0) continue;
        subject.push(a);
        anchor.push(b);
      }
      lines.push({ what, unit: "CPU µs/request", subject: subject.map((s) => s.cpuUs), bare: anchor.map((s) => s.cpuUs) });
      rates.push(
        `${what} ${median(subject.map((s) => s.perSecond)).toFixed(0)} (bare ${median(anchor.map((s) => s.perSecond)).toFixed(0)})`,
      );
    };

    const get = request("GET", `${collection}/fetched`);
    await measure("GET", gets, () => () => get);
    const name = (round: number, index: number): string => `p${round + 1}-${String(index).padStart(5, "0")}`;
    await measure(
      "POST",
      writes,
      (round) => (index) => request("POST", collection, JSON.stringify(pod(name(round, index), "0000000"))),
      () => empty(ours),
    );
    // Twice as many pods as connections, changed in turn: hardly ever two writers of one pod at a time.
    for (let index = 0; index < connections * 2; index++) {
      await drive(ours.connections.slice(0, 1), 1, () => request("POST", collection, JSON.stringify(pod(name(0, index), "first"))));
    }
    let change = 0;
    await measure("PUT", writes, () => (index) => {
      const changed = pod(name(0, index % (connections * 2)), String(change++).padStart(7, "0"));
      return request("PUT", `${collection}/${changed.metadata.name}`, JSON.stringify(changed));
    });
    printCompared(lines);
    say(
      `\nRequests/s with the generator on the same machine: ${rates.join(", ")}. RSS of the master after it: ${
        rssMb(master.pid).toFixed(0)
      } MB`,
    );
  } finally {
    await bare?.stop();
    await master.close();
  }
}

const openAll = (port: number, { client }: MasterProcess, count: number): Promise<Connection[]> =>
  Promise.all(Array.from({ length: count }, () => open(port, client)));

async function sample({ pid, connections }: Side, count: number, next: (index: number) => Uint8Array): Promise<Sample> {
  const before = cpuUs(pid), elapsedMs = await drive(connections, count, next);
  return { cpuUs: (cpuUs(pid) - before) / count, perSecond: count / elapsedMs * 1000 };
}

/** So that the store is as full in the last round as in the first. */
async function empty({ connections }: Side): Promise<void> {
  await drive(
    connections.slice(0, 1),
    1,
    () => request("DELETE", `${collection}?gracePeriodSeconds=0&labelSelector=app%3Dtelemetry&fieldSelector=metadata.name!%3Dfetched`),
  );
}
