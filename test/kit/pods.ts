// A node's pods over the emulated engine, in a directory of their own, with everything they say written down.
import { createPods, type PodEvent, type Pods, type PodsConfig } from "../../agent/pods/pods.ts";
import type { PodReport } from "../../agent/pods/statuses.ts";
import { EmulatedEngine, type EmulatedOptions } from "../../agent/runtime/emulated_engine.ts";
import { EmulatedRuntime } from "../../agent/runtime/emulated.ts";
import { plainMounter } from "../../agent/volumes/mounter.ts";
import type { PodSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import { type Clock, seeded, systemClock } from "../../shared/util/clock.ts";
import { type Log, silentLog } from "../../shared/util/log.ts";
import { type DesiredSet, objectHash, type Rendered, setHash } from "../../shared/wire/desired.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

export function setOf(gen: number, ...objects: Rendered[]): DesiredSet {
  const all = new Map(objects.map((object) => {
    const body = JSON.stringify(object), uid = object.metadata.uid;
    return [uid, { uid, hash: objectHash(body), body }];
  }));
  return { epoch: "e", gen, hash: setHash(all.values()), objects: all };
}
type Metadata = Rendered["metadata"];
export const podObject = (name: string, spec: Partial<PodSpec> = {}, metadata: Partial<Metadata> = {}): Rendered => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: `uid-${name}`, generation: 1, ...metadata },
  spec: { containers: [{ name: "main", image: "web:1" }], ...spec },
});
export const configMapObject = (name: string, data: Record<string, string>): Rendered => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", uid: `uid-cm-${name}` },
  data,
});

/** A clock that runs faster than the machine's, for back-offs of minutes: `speed` times. */
export function hastened(speed: number): Clock {
  return {
    now: () => start + (Date.now() - start) * speed,
    monotonic: () => performance.now() * speed,
    after: (delayMs, task) => systemClock.after(delayMs / speed, task),
  };
}
const start = Date.now();

export interface TestNode {
  readonly directory: string;
  readonly clock: Clock;
  readonly engine: EmulatedEngine;
  readonly runtime: EmulatedRuntime;
  readonly reports: PodReport[];
  readonly events: PodEvent[];
  pods: Pods;
  /** Stops the agent's part; containers go on. */
  stop(): Promise<void>;
  /** A new agent beside the same engine. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function openNode(
  options: EmulatedOptions & { clock?: Clock; log?: Log; config?: Partial<PodsConfig>; bootId?: () => string } = {},
): Promise<TestNode> {
  const directory = testDirectory("pods");
  const clock = options.clock ?? systemClock, random = seeded(7);
  const engine = new EmulatedEngine({ clock, random }, options);
  let stopping = new AbortController(), running = Promise.resolve();
  const node: TestNode = {
    directory,
    clock,
    engine,
    runtime: new EmulatedRuntime(engine),
    reports: [],
    events: [],
    pods: undefined as never,
    async start() {
      stopping = new AbortController();
      node.pods = createPods({
        runtime: node.runtime,
        clock,
        random,
        log: options.log ?? silentLog,
        report: (report) => void node.reports.push(report),
        event: (event) => void node.events.push(event),
        mounter: plainMounter,
      }, {
        nodeName: "n1",
        hostIP: "192.0.2.1",
        dataDir: `${directory}/data`,
        runDir: `${directory}/run`,
        bootId: options.bootId?.() ?? "boot-1",
        engine: "emulated",
        memoryBytes: 1024 ** 3,
        podCIDR: "10.201.1.0/24",
        dnsServers: ["169.254.20.10"],
        allocatable: { cpu: "4", memory: "1Gi", "ephemeral-storage": "8Gi" },
        ...options.config,
      });
      running = node.pods.run({ signal: stopping.signal });
    },
    async stop() {
      stopping.abort(new Error("stopped"));
      await running;
    },
    async close() {
      await node.stop();
      engine.close();
      removeTestDirectory(directory);
    },
  };
  await node.start();
  return node;
}
