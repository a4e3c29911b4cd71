// From the request to the call that creates the container, in an idle cluster: the request leaves this process, the agent's line about the call comes back to it,
// so that one clock measures both. Beside it what cannot be less: the fsyncs on the way, which are counted, and one hop over MQTT, measured in the same round.
import { rm } from "node:fs/promises";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import mqtt from "mqtt";
import { eventually } from "../kit/eventually.ts";
import type { MasterProcess } from "../kit/master_process.ts";
import { BareLog, timed } from "./bare_log.ts";
import { type Compared, figure, median, printCompared, quantile, say } from "./figures.ts";
import { joinToken, start, startMaster, type Subject, temporary } from "./subject.ts";

const rounds = 7, applies = 15, warmUps = 5, recordBytes = 4096;
const pods = "/api/v1/namespaces/default/pods", deployments = "/apis/apps/v1/namespaces/default/deployments";
/** The fewest that can do: one for each object written before the container's (pod and binding, or Deployment, ReplicaSet, pod and binding), one on the node. */
const fewest = { "Pod": 3, "Deployment of 1": 5 } as const;
/** Milliseconds after which nothing of the last apply is on its way any more. */
const quietMs = 250;

export async function bench(): Promise<void> {
  const directory = await temporary(), master = await startMaster(), watching = new AbortController();
  const bare = await BareLog.open(`${directory}/bare`);
  let agent: Subject | undefined, link: BareLink | undefined;
  try {
    const token = await joinToken(master);
    agent = await start("test/bench/stamping_agent.ts", [`https://127.0.0.1:${master.port}`, token, directory], /The agent runs/);
    await eventually("the node is ready", async () => {
      const { body } = await master.client.ask("GET", "/api/v1/nodes/bench");
      return body.status?.conditions?.some(({ type, status }: { type: string; status: string }) => type === "Ready" && status === "True");
    });
    link = await BareLink.open(master);
    const bound = new Bound(master, watching.signal);
    say(
      `${rounds} rounds of ${applies} applies each; fsync is write + fdatasync of ${recordBytes} bytes, a hop half of there and back over a bare Aedes\n`,
    );

    const lines: Compared[] = [], notes: string[] = [];
    for (const what of ["Pod", "Deployment of 1"] as const) {
      const ours: number[] = [],
        counted: number[] = [],
        least: number[] = [],
        all: number[] = [],
        steps = { store: [] as number[], agent: [] as number[] };
      const anchors = { fsync: [] as number[], hop: [] as number[] };
      for (let round = -1; round < rounds; round++) {
        const samples: Sample[] = [], fsyncs: number[] = [], hops: number[] = [];
        for (let at = 0; at < (round < 0 ? warmUps : applies); at++) {
          for (let times = 0; times < 3; times++) fsyncs.push(await timed(() => bare.append(recordBytes)) / 1000);
          for (let times = 0; times < 3; times++) hops.push(await link.hopMs());
          samples.push(await applied(what, { master, agent, bound }));
        }
        if (round < 0) continue;
        const fsync = median(fsyncs), hop = median(hops), n = median(samples.map((s) => s.storeWrites + s.agentSyncs));
        ours.push(median(samples.map((s) => s.ms)));
        counted.push(n * fsync + hop);
        least.push(fewest[what] * fsync + hop);
        all.push(...samples.map((s) => s.ms));
        steps.store.push(...samples.map((s) => s.storeWrites));
        steps.agent.push(...samples.map((s) => s.agentSyncs));
        anchors.fsync.push(fsync);
        anchors.hop.push(hop);
      }
      lines.push({ what: `${what}: p50, bare: the syncs made`, unit: "ms", subject: ours, bare: counted });
      lines.push({ what: `${what}: p50, bare: ${fewest[what]} syncs`, unit: "ms", subject: ours, bare: least });
      const [store, node] = [median(steps.store), median(steps.agent)];
      notes.push(
        `${what}: p99 ${figure(quantile(all, 0.99))} ms of ${all.length}; n = ${
          store + node
        }: ${store} store transactions until it is bound, ` +
          `${node} syncs in the agent; fsync p50 ${figure(median(anchors.fsync))} ms, hop p50 ${figure(median(anchors.hop))} ms`,
      );
    }
    printCompared(lines);
    say(`\n${notes.join("\n")}`);
  } finally {
    watching.abort();
    link?.close();
    await agent?.stop();
    await master.close();
    await bare.close();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Sample {
  readonly ms: number;
  readonly storeWrites: number;
  readonly agentSyncs: number;
}
let count = 0;

async function applied(
  what: "Pod" | "Deployment of 1",
  { master, agent, bound }: { master: MasterProcess; agent: Subject; bound: Bound },
): Promise<Sample> {
  const { client } = master, name = `applied-${count++}`, counting = agent.heard(/counting\n/);
  process.kill(agent.pid, "SIGUSR2");
  await counting;
  const before = Number((await client.ask("GET", `${pods}?limit=1`)).body.metadata.resourceVersion);
  const spec = { containers: [{ name: "one", image: "localhost/one:1" }], terminationGracePeriodSeconds: 0 };
  const template = { metadata: { labels: { app: name } }, spec };
  const [path, body] = what === "Pod"
    ? [pods, { metadata: { name }, spec }]
    : [deployments, { metadata: { name }, spec: { replicas: 1, selector: { matchLabels: { app: name } }, template } }];
  const created = agent.heard(new RegExp(`create (${name}\\S*) (\\d+)\n`)), started = performance.now();
  const answer = client.ask("POST", path, { body });
  const [, pod, syncs] = await created, ms = performance.now() - started;
  const { status, body: said } = await answer;
  if (status !== 201) throw new Error(`Cannot create ${name}: ${JSON.stringify(said)}`);
  const revision = await eventually("the watch shows the binding", () => bound.revision(pod!), { everyMs: 5 });
  await client.ask("DELETE", `${path}/${name}`);
  await eventually("the pod is gone", async () => (await client.ask("GET", `${pods}/${pod}`)).status === 404, { everyMs: 20 });
  await delay(quietMs);
  return { ms, storeWrites: revision - before, agentSyncs: Number(syncs) };
}

/** Revisions at which pods were bound. */
class Bound {
  readonly #revisions = new Map<string, number>();

  constructor({ client }: MasterProcess, signal: AbortSignal) {
    void this.#follow(client.watch(`${pods}?watch=true`, signal)).catch(() => {}); // aborted at the end
  }
  async #follow(
    events: AsyncIterable<{ readonly object: { metadata: { name: string; resourceVersion: string }; spec?: { nodeName?: string } } }>,
  ): Promise<void> {
    for await (const { object: { metadata, spec } } of events) {
      if (spec?.nodeName && !this.#revisions.has(metadata.name)) this.#revisions.set(metadata.name, Number(metadata.resourceVersion));
    }
  }
  revision(name: string): number | undefined {
    return this.#revisions.get(name);
  }
}

/** One client that sends to itself over a broker that does nothing else. */
class BareLink {
  readonly #broker: Subject;
  readonly #client: mqtt.MqttClient;

  private constructor(broker: Subject, client: mqtt.MqttClient) {
    this.#broker = broker;
    this.#client = client;
  }
  static async open({ dataDir, client: { ca } }: MasterProcess): Promise<BareLink> {
    const broker = await start("test/bench/bare_mqtt.ts", [`${dataDir}/pki`], /listening on (\d+)/);
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${broker.ready[1]}`, { ca, protocolVersion: 4 });
    (client.stream as TLSSocket).setNoDelay(true);
    await client.subscribeAsync("hop", { qos: 1 });
    return new BareLink(broker, client);
  }
  async hopMs(): Promise<number> {
    const back = new Promise((resolve) => this.#client.once("message", resolve)), started = performance.now();
    this.#client.publish("hop", "x".repeat(1024), { qos: 1 });
    await back;
    return (performance.now() - started) / 2;
  }
  close(): void {
    this.#client.end(true);
    void this.#broker.stop();
  }
}
