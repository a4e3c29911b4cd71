// The contract on real containers, and what only Podman can get wrong. One Podman serves the whole file; the last test takes it down and looks for leftovers.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { hostname } from "node:os";
import process from "node:process";
import * as assert from "uvu/assert";
import { rotateLog } from "../../agent/runtime/log_rotation.ts";
import { rotatedLogPath } from "../../agent/runtime/logs.ts";
import type { PodmanRuntime } from "../../agent/runtime/podman.ts";
import { findPodman } from "../../agent/runtime/podman_service.ts";
import type { RuntimeError } from "../../agent/runtime/runtime.ts";
import { helloImage } from "../../examples/hello_image.ts";
import { systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { insideContract } from "../contract/inside_contract.ts";
import { runtimeContract } from "../contract/runtime_contract.ts";
import {
  containerIn,
  containerSpec,
  readySandbox,
  runContainer,
  type RuntimeUnderTest,
  sandboxSpec,
  sh,
} from "../contract/runtime_setup.ts";
import { noPodman, startTestPodman, type TestPodman } from "../kit/podman.ts";
import { rejects, suite } from "../kit/suite.ts";

interface Context extends RuntimeUnderTest {
  readonly runtime: PodmanRuntime;
  readonly podman: TestPodman;
}
let shared: Promise<TestPodman> | undefined;
/** Speaks HTTP where Podman wants TLS: a failure that Podman does not try again (a closed port costs 5 s of retries). */
const registry = http.createServer((_, response) => void response.writeHead(404).end());
let listening: Promise<void> | undefined;

const options = {
  skip: noPodman(),
  timeoutMs: 30_000,
  async setup(): Promise<Context> {
    const podman = await (shared ??= startTestPodman());
    await (listening ??= new Promise((resolve) => registry.listen(0, "127.0.0.1", resolve)));
    const { port } = registry.address() as { port: number };
    const missing = { image: `127.0.0.1:${port}/none:1`, words: "server gave HTTP response to HTTPS client" };
    const runtime = await podman.reopen(); // writes begin at 0
    return { podman, runtime, directory: podman.directory, image: helloImage, missing, address: podman.address, reopen: podman.reopen };
  },
  async teardown({ podman }: Context): Promise<void> {
    const runtime = await podman.reopen();
    await Promise.all((await runtime.observe()).sandboxes.map(({ id }) => runtime.removeSandbox(id)));
  },
};
const contract = suite<Context>("Podman: contract", options);
runtimeContract(contract);
insideContract(contract);
const test = suite<Context>("PodmanRuntime", options);

const limits = { timeoutMs: 10_000, maxOutputBytes: 10_000 };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error("it has not come true");
}
/** Process id of the container's conmon. */
function monitorOf(id: string): number {
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, "latin1").split("\0");
      if (words[0]?.endsWith("conmon") && words.includes(id) && !words.includes("--exec-attach")) return Number(entry);
    } catch { /* ended meanwhile */ }
  }
  throw new Error(`no conmon of ${id}`);
}

test("the hello image answers with its pod's name on the pod's address", async (on) => {
  const sandbox = await readySandbox(on);
  await runContainer(on, sandbox, { env: { MESSAGE: "Good day" } });
  const text = await eventually(async () => {
    try {
      return await (await fetch(`http://${sandbox.spec.address}:8080/`)).text();
    } catch {
      return undefined;
    }
  });
  assert.is(text, `Good day from pod ${sandbox.spec.hostname}\n`);
});

test("what a spec says takes effect in the container", async (on) => {
  const sandbox = await readySandbox(on, {
    hostAliases: [{ ip: "10.9.9.9", hostnames: ["db.local"] }],
    sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" },
  });
  const id = await runContainer(on, sandbox, {
    env: { A: "1 2" },
    workingDir: "/tmp",
    mounts: [{ source: on.directory, target: "/data", readOnly: true }],
    resources: { cpuShares: 256, cpuQuotaUs: 50_000, memoryBytes: 64 * 1024 * 1024, pids: 50 },
    oomScoreAdj: 900,
    security: {
      user: 1000,
      group: 2000,
      supplementalGroups: [3000],
      privileged: false,
      readOnlyRoot: true,
      noNewPrivileges: true,
      addCapabilities: [],
      dropCapabilities: ["ALL"],
    },
  });
  const script =
    `id; echo "A=$A"; pwd; cat /proc/self/oom_score_adj /etc/resolv.conf /etc/hosts /proc/sys/net/ipv4/ip_unprivileged_port_start
    touch /data/x; touch /x; grep -o "/data .*" /proc/self/mounts; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status`;
  const { output } = await on.runtime.exec(id, ["sh", "-c", script], limits);
  for (
    const said of [
      "uid=1000(1000) gid=2000(2000) groups=3000",
      "A=1 2",
      "/tmp\n900\n",
      "search default.svc.cluster.local\nnameserver 169.254.20.10\noptions ndots:5\n",
      "10.9.9.9\tdb.local",
      "/data ",
      " ro,",
      "/x: Read-only file system",
      "CapEff:\t0000000000000000",
      "NoNewPrivs:\t1",
      "Seccomp:\t2",
    ]
  ) assert.ok(output.includes(said), `${said} is not in ${output}`);
  const [pid] = (await on.runtime.observe()).containers.map((container) => container.pid);
  const memory = /^\d+:(?:memory)?:(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, "utf8"))![1];
  const limit = await readFile(`/sys/fs/cgroup/memory${memory}/memory.limit_in_bytes`, "utf8").catch(() =>
    readFile(`/sys/fs/cgroup${memory}/memory.max`, "utf8")
  );
  assert.is(limit.trim(), String(64 * 1024 * 1024));
});

test("a sandbox on the host's network has its name and its ports, and no address", async (on) => {
  const sandbox = await readySandbox(on, { hostNetwork: true, hostPid: true, hostIpc: true });
  const id = await runContainer(on, sandbox, { command: ["sleep", "1000"] });
  const [found] = (await on.runtime.observe()).sandboxes;
  assert.is(found?.state, "ready");
  assert.is(found?.address, undefined);
  const namespaces = ["net", "pid", "ipc"];
  const script = `hostname; for n in ${namespaces.join(" ")}; do readlink /proc/self/ns/$n; done`;
  const { output } = await on.runtime.exec(id, ["sh", "-c", script], limits);
  const ours = namespaces.map((namespace) => readlinkSync(`/proc/self/ns/${namespace}`));
  assert.equal(output.trim().split("\n"), [hostname(), ...ours]);
});

test("a terminal has the size it was given", async (on) => {
  const id = await runContainer(on, await readySandbox(on));
  const shell = await on.runtime.open(id, ["sh", "-c", "sleep 0.3; stty size"], { stdin: true, tty: true });
  await shell.resize({ width: 99, height: 33 });
  assert.is(await new Response(shell.stdout).text(), "33 99\r\n");
  assert.is(await shell.done, 0);
});

test("attach follows the container to its end, and large output comes whole", async (on) => {
  const id = await runContainer(on, await readySandbox(on), { ...sh("read line; echo got $line; exit 6"), stdin: true });
  const attached = await on.runtime.open(id, undefined, { stdin: true, tty: false });
  const writer = attached.stdin!.getWriter();
  await writer.write(new TextEncoder().encode("it\n"));
  assert.is(await new Response(attached.stdout).text(), "got it\n");
  assert.is(await attached.done, 6);
  const server = await runContainer(on, await readySandbox(on));
  const big = await on.runtime.open(server, ["head", "-c", "3000000", "/dev/zero"], { stdin: false, tty: false });
  await sleep(200); // a reader that is late: the process waits, the memory stays
  assert.is((await new Response(big.stdout).arrayBuffer()).byteLength, 3_000_000);
});

test("a container that was killed for its memory is oomKilled", async (on) => {
  const id = await runContainer(on, await readySandbox(on), {
    ...sh("x=0123456789abcdef; while true; do x=$x$x; done"),
    resources: { memoryBytes: 16 * 1024 * 1024 },
  });
  const exited = await containerIn(on, id, "exited");
  assert.is(exited.exitCode, 137);
  assert.is(exited.oomKilled, true);
});

test("a killed monitor hides nothing: the container runs while its process does, then has exited, and can be removed", async (on) => {
  const id = await runContainer(on, await readySandbox(on));
  const { pid } = await containerIn(on, id, "running");
  process.kill(monitorOf(id), "SIGKILL");
  await sleep(100);
  assert.is((await on.runtime.observe()).containers[0]?.state, "running");
  process.kill(pid!, "SIGKILL");
  const exited = await containerIn(on, id, "exited");
  assert.is(exited.exitCode, 137);
  assert.match(exited.error!, "conmon");
  await on.runtime.removeContainer(id);
  assert.equal((await on.runtime.observe()).containers, []);
});

test("stopContainer() ends a container whose monitor was killed, with its grace", async (on) => {
  const id = await runContainer(on, await readySandbox(on));
  const { pid } = await containerIn(on, id, "running");
  process.kill(monitorOf(id), "SIGKILL");
  await sleep(100);
  await on.runtime.stopContainer(id, 5);
  assert.throws(() => process.kill(pid!, 0));
  assert.is((await on.runtime.observe()).containers[0]?.state, "exited");
});

test("a sandbox whose infra process was killed is lost", async (on) => {
  const sandbox = await readySandbox(on);
  const id = await runContainer(on, sandbox);
  const infra = (await on.runtime.stats()).find((stats) => stats.id !== id)!;
  process.kill(monitorOf(infra.id), "SIGKILL");
  // Its pid stands in no answer of ours: the kernel knows which process has its cgroup.
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${entry}/cgroup`, "utf8").includes(`libpod-${infra.id}`)) process.kill(Number(entry), "SIGKILL");
    } catch { /* ended meanwhile */ }
  }
  await eventually(async () => (await on.runtime.observe()).sandboxes[0]?.state === "lost" ? true : undefined);
  await on.runtime.removeSandbox(sandbox.id);
  assert.equal(await on.runtime.observe(), { sandboxes: [], containers: [] });
});

test("the death of the service moves no container: the next look starts another one and finds the same", async (on) => {
  const sandbox = await readySandbox(on);
  await runContainer(on, sandbox);
  const before = await on.runtime.observe();
  const writes = on.runtime.writes;
  on.podman.killService();
  await sleep(100);
  assert.equal(await on.runtime.observe(), before);
  assert.is(on.runtime.writes, writes);
});

test("the service has a session of its own, so that no signal to the agent reaches it", async (on) => {
  const [service] = on.podman.servicePids();
  const [, , pgrp, session] = readFileSync(`/proc/${service}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  assert.equal([pgrp, session], [String(service), String(service)]);
});

test("findPodman() does not start a service where the socket was given", async (on) => {
  const options = { dataDir: on.directory, runDir: on.directory, socketPath: `${on.directory}/none.sock` };
  const error = await rejects(findPodman({ clock: systemClock, log: silentLog }, options)) as RuntimeError;
  assert.is(error.reason, "Unavailable");
  assert.match(error.message, "none.sock");
});

test("rotateLog() loses no line", async (on) => {
  const sandbox = await readySandbox(on);
  const spec = containerSpec(on, sandbox.spec, sh("i=0; while [ $i -lt 400 ]; do echo $i; i=$((i+1)); usleep 2000; done"));
  const id = await runContainer(on, sandbox, spec);
  await sleep(300);
  assert.is(await rotateLog(systemClock, spec.logPath, 1, () => on.runtime.reopenLog(id)), true);
  await containerIn(on, id, "exited");
  const [old, current] = await Promise.all([rotatedLogPath(spec.logPath), spec.logPath].map((path) => readFile(path, "utf8")));
  assert.ok(old!.length > 0 && current!.length > 0);
  const numbers = [...(old! + current!).matchAll(/ F (\d+)$/gm)].map((match) => Number(match[1]));
  assert.equal(numbers, Array.from({ length: 400 }, (_, index) => index));
});

test("ensureNetwork() may be called again, and follows a new subnet while no pod uses it", async (on) => {
  await on.runtime.ensureNetwork(on.podman.network);
  const other = { ...on.podman.network, mtu: 1400 };
  await on.runtime.ensureNetwork(other);
  await on.runtime.ensureNetwork(on.podman.network);
  const { id } = await on.runtime.createSandbox(sandboxSpec(on));
  assert.is((await on.runtime.startSandbox(id)).address?.startsWith("10."), true);
});

const last = suite("Podman afterwards", { skip: noPodman(), timeoutMs: 30_000 });
last("nothing is left of the test's Podman", async () => {
  registry.close();
  const podman = await shared!;
  await podman.close();
  assert.not.match(readFileSync("/proc/self/mounts", "utf8"), podman.directory);
  assert.not(readdirSync("/sys/class/net").includes(podman.network.bridge));
  const left = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(podman.directory);
    } catch {
      return false;
    }
  });
  assert.equal(left, []);
});
