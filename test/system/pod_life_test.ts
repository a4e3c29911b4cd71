// What a pod is promised beside running: probes, limits, secrets, starts anew after a crash, words for what goes wrong, and nothing left of it after its end.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectls } from "../kit/kubectl.ts";
import { noPodman } from "../kit/podman.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

const cluster = shared<Cluster>(startCluster, (made) => made.close(), clusterLog);
const test = cluster.counting(suite<Cluster>("life of a pod", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 60_000,
  skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined),
}));
const image = "localhost/skerry-hello:1";

// deno-lint-ignore no-explicit-any
type Pod = any;
const apply = ({ k }: Cluster, ...pods: { name: string; spec: object }[]): Promise<string> =>
  k.ok("apply -f -", {
    input: pods.map(({ name, spec }) =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { name } },
        spec: { terminationGracePeriodSeconds: 1, ...spec },
      })
    ).join("\n---\n"),
  });
const read = ({ k }: Cluster, name: string): Promise<Pod> => k.json(`get pod ${name}`);
const isReady = (pod: Pod): boolean => pod.status.conditions.find(({ type }: Pod) => type === "Ready")?.status === "True";
const reasons = async ({ master }: Cluster, name: string): Promise<string[]> => {
  const selector = encodeURIComponent(`involvedObject.name=${name}`);
  const { body } = await master.client.ask("GET", `/api/v1/namespaces/default/events?fieldSelector=${selector}`);
  return body.items.map(({ reason }: Pod) => reason);
};
/** A process of the pod, in the eyes of the kernel. */
async function processOf(cluster: Cluster, name: string): Promise<number> {
  const pod = await read(cluster, name), id = pod.status.containerStatuses[0].containerID.replace(/^.*:\/\//, "");
  const { containers } = await (await cluster.agent.podman()).observe();
  return containers.find((one) => one.id === id)!.pid!;
}

test("a liveness probe by exec ends the container, and it is started again", async (cluster) => {
  await apply(cluster, {
    name: "lively",
    spec: {
      containers: [{
        name: "main",
        image,
        command: ["sh", "-c", "touch /tmp/alive; sleep 3; rm /tmp/alive; trap 'exit 0' TERM; while true; do sleep 0.2; done"],
        livenessProbe: { exec: { command: ["cat", "/tmp/alive"] }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 10 },
      }],
    },
  });
  await eventually("a restart", async () => (await read(cluster, "lively")).status.containerStatuses?.[0].restartCount >= 1);
  await eventually("events that say why", async () => {
    const said = await reasons(cluster, "lively");
    return said.includes("Unhealthy") && said.includes("Killing");
  });
  await cluster.k.ok("delete pod lively");
});

test("readiness by http and tcp, and a startup probe that holds the others back", async (cluster) => {
  const server = (name: string, probes: object, command?: string[]) => ({
    name,
    spec: { containers: [{ name: "main", image, ...(command && { command }), ...probes }] },
  });
  await apply(
    cluster,
    server("http-not", { readinessProbe: { httpGet: { path: "/missing", port: 8080 }, periodSeconds: 1 } }),
    server("tcp-ready", { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }),
    server("late", {
      startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
      livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
    }, ["sh", "-c", "sleep 4; exec /bin/hello"]),
  );
  await eventually("the one by tcp is ready", async () => isReady(await read(cluster, "tcp-ready")));
  const late = await eventually("the late one is ready", async () => {
    const pod = await read(cluster, "late");
    return isReady(pod) && pod;
  });
  assert.is(late.status.containerStatuses[0].restartCount, 0, "liveness must not have ended it while it started");
  const not = await read(cluster, "http-not");
  assert.is(not.status.phase, "Running");
  assert.is(isReady(not), false);
  await cluster.k.ok("delete pod http-not tcp-ready late");
});

test("limits stand in the cgroup, a Secret in a file, in the environment, and nowhere on disk", async (cluster) => {
  await cluster.k.ok("create secret generic vault --from-literal=password=oyster-7731");
  await apply(cluster, {
    name: "bound",
    spec: {
      containers: [{
        name: "main",
        image,
        command: ["sh", "-c", 'echo "$PASSWORD/$(cat /vault/password)"; exec /bin/hello'],
        env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "vault", key: "password" } } }],
        resources: { limits: { memory: "48Mi", cpu: "200m" } },
        volumeMounts: [{ name: "vault", mountPath: "/vault" }],
      }],
      volumes: [{ name: "vault", secret: { secretName: "vault" } }],
    },
  });
  await eventually("it runs", async () => isReady(await read(cluster, "bound")));
  assert.match(await cluster.k.ok("logs bound"), /^oyster-7731\/oyster-7731\n/);

  const pid = await processOf(cluster, "bound"),
    lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n").map((line) => line.split(":"));
  const controller = (name: string) => lines.find(([, controllers]) => controllers!.split(",").includes(name))?.[2];
  if (controller("memory") !== undefined) {
    assert.is(readFileSync(`/sys/fs/cgroup/memory${controller("memory")}/memory.limit_in_bytes`, "utf8").trim(), String(48 * 2 ** 20));
    assert.is(readFileSync(`/sys/fs/cgroup/cpu${controller("cpu")}/cpu.cfs_quota_us`, "utf8").trim(), "20000");
  } else {
    const path = `/sys/fs/cgroup${lines[0]![2]}`;
    assert.is(readFileSync(`${path}/memory.max`, "utf8").trim(), String(48 * 2 ** 20));
    assert.is(readFileSync(`${path}/cpu.max`, "utf8").trim(), "20000 100000");
  }
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
  assert.match(mounts, / \/vault .* - tmpfs /, "the Secret lies in memory");
  await cluster.k.ok("delete pod bound");
});

test("what ends is started again with growing pauses, and says so", async (cluster) => {
  await apply(cluster, {
    name: "crashing",
    spec: { containers: [{ name: "main", image, command: ["sh", "-c", "echo last words; exit 3"] }] },
  });
  await eventually("CrashLoopBackOff", async () => /^crashing +0\/1 +CrashLoopBackOff +[1-9]/m.test(await cluster.k.ok("get pods")));
  const { status } = await read(cluster, "crashing");
  assert.is(status.containerStatuses[0].lastState.terminated.exitCode, 3);
  assert.is(status.phase, "Running");
  assert.match(await cluster.k.ok("logs crashing --previous"), /last words/);
  assert.ok((await reasons(cluster, "crashing")).includes("BackOff"));
  await cluster.k.ok("delete pod crashing");
});

test("an image that cannot be had: ErrImagePull, then ImagePullBackOff, and the pod comes up by itself when it can", async (cluster) => {
  await apply(cluster, { name: "imageless", spec: { containers: [{ name: "main", image: "localhost/no-such-image:1" }] } });
  const seen = new Set<string>();
  await eventually("both words", async () => {
    const word = /^imageless +0\/1 +(\S+)/m.exec(await cluster.k.ok("get pods"))?.[1];
    if (word) seen.add(word);
    return seen.has("ImagePullBackOff");
  });
  assert.ok(seen.has("ErrImagePull") || (await reasons(cluster, "imageless")).includes("Failed"), [...seen].join());
  assert.match(await cluster.k.ok("describe pod imageless"), /Failed to pull image/);
  await cluster.k.ok("delete pod imageless");
});

test("init containers go first, one after another; a pod that ends well is Completed", async (cluster) => {
  const say = (name: string) => ({
    name,
    image,
    command: ["sh", "-c", `echo ${name} >> /shared/order`],
    volumeMounts: [{ name: "shared", mountPath: "/shared" }],
  });
  await apply(cluster, {
    name: "ordered",
    spec: {
      restartPolicy: "Never",
      initContainers: [say("first"), say("second")],
      containers: [{ ...say("third"), command: ["sh", "-c", "cat /shared/order"] }],
      volumes: [{ name: "shared", emptyDir: {} }],
    },
  });
  await eventually("Completed", async () => /^ordered +0\/1 +Completed +0/m.test(await cluster.k.ok("get pods")));
  assert.is(await cluster.k.ok("logs ordered -c third"), "first\nsecond\n");
  await cluster.k.ok("delete pod ordered");
});

test("kubectl delete leaves nothing of a pod on the node", async (cluster) => {
  await apply(cluster, {
    name: "passing",
    spec: {
      containers: [{ name: "main", image, volumeMounts: [{ name: "disk", mountPath: "/disk" }, { name: "memory", mountPath: "/memory" }] }],
      volumes: [{ name: "disk", emptyDir: {} }, { name: "memory", emptyDir: { medium: "Memory" } }],
    },
  });
  await eventually("it runs", async () => isReady(await read(cluster, "passing")));
  const { metadata: { uid } } = await read(cluster, "passing"), { agent } = cluster;
  const traces = () => [
    ...readFileSync("/proc/self/mounts", "utf8").split("\n").filter((line) => line.includes(uid)),
    ...[agent.dataDir, agent.runDir].flatMap((directory) =>
      readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((path) => path.includes(uid) || path.includes("_passing_"))
    ),
  ];
  assert.ok(traces().length > 0, "there are traces while it runs");
  const pid = await processOf(cluster, "passing");
  await cluster.k.ok("delete pod passing");
  await eventually("nothing of it is left", async () => {
    const { sandboxes, containers } = await (await agent.podman()).observe();
    const left = [
      ...traces(),
      ...sandboxes.map(({ id }) => id),
      ...containers.map(({ id }) => id),
      ...(existsSync(`/proc/${pid}`) ? [`process ${pid}`] : []),
    ];
    assert.equal(left, []);
    return true;
  }, { withinMs: 15_000 });
});
