// Fifty devices that only pretend, over the real protocol against a real master: all of them Ready, and all of them at work.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { createToken } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { command, root, withMaster } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("emulated fleet", { timeoutMs: 110_000, skip: kubectls().length === 0 ? "no kubectl" : undefined });
const count = 50, replicas = 100;
const manifest = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: watcher}
spec:
  selector: {matchLabels: {app: watcher}}
  template:
    metadata: {labels: {app: watcher}}
    spec: {containers: [{name: main, image: "registry.example/watcher:1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec: {containers: [{name: main, image: "registry.example/many:1"}]}
`;
const rss = (pid: number): string =>
  `${Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024)} MB`;
const seconds = (fromMs: number): string => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;

test(`${count} emulated devices join, are Ready, and run a DaemonSet and a Deployment of ${replicas}`, () =>
  withMaster(async (master) => {
    const k = kubectl(kubectls().at(-1)!.path, master), empty = rss(master.pid), from = performance.now();
    const fleet = emulate(master.client.url, await createToken(master));
    try {
      await eventually(`${count} nodes Ready`, async () => {
        assert.is(fleet.exitCode(), undefined, fleet.log());
        const lines = (await k.ok("get nodes --no-headers")).trim().split("\n");
        const ready = lines.filter((line) => /^emu-\d+ +Ready +/.test(line)).length;
        return ready === count || Promise.reject(new Error(`${ready} of ${lines.length} are Ready`));
      }, { withinMs: 60_000, everyMs: 500 });
      const joined = seconds(from), applied = performance.now();

      await k.ok("apply -f -", { input: manifest });
      await eventually("all pods run", async () => {
        const { status: set } = await k.json("get daemonset watcher"), { status: deployment } = await k.json("get deployment many");
        assert.equal([set.numberReady, deployment.readyReplicas], [count, replicas]);
        return true;
      }, { withinMs: 60_000, everyMs: 500 });
      const { items } = await k.json("get pods"), nodes = new Set(items.map(({ spec }: { spec: { nodeName: string } }) => spec.nodeName));
      assert.is(nodes.size, count, "every device has pods");
      process.stdout.write(
        `measured: ${count} devices Ready after ${joined}, ${items.length} pods after ${seconds(applied)}; master ${empty} alone, ${
          rss(master.pid)
        } with them; all devices ${rss(fleet.pid)}\n`,
      );
      await k.ok("scale deployment many --replicas=10");
      await eventually("they go again", async () => (await k.ok("get pods --no-headers -l app=many")).trim().split("\n").length === 10);
    } catch (error) {
      if (error instanceof Error) error.message += `\nThe devices' last lines:\n${fleet.log()}`;
      throw error;
    } finally {
      await fleet.stop();
    }
    await eventually("the nodes say that they are gone", async () =>
      !(await k.ok("get nodes --no-headers")).split("\n").some((line) => / Ready /.test(line)), { withinMs: 20_000 });
  }));

interface Fleet {
  readonly pid: number;
  /** Undefined while it runs. */
  exitCode(): number | undefined;
  log(): string;
  stop(): Promise<void>;
}
function emulate(master: string, token: string): Fleet {
  const [program, args] = command(
    "agent/main.ts",
    "emulate",
    "--count",
    String(count),
    "--master",
    master,
    "--token",
    token,
    "--log-level",
    "warn",
  );
  const child: ChildProcess = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let log = "", code: number | undefined;
  const ended = new Promise<void>((resolve) =>
    child.once("close", (status) => {
      code = status ?? -1;
      resolve();
    })
  );
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (data) => log = (log + data).slice(-10_000));
  const onExit = (): void => void child.kill("SIGKILL");
  process.on("exit", onExit);
  return {
    pid: child.pid!,
    exitCode: () => code,
    log: () => log,
    async stop() {
      if (code === undefined) process.kill(child.pid!, "SIGTERM"); // not child.kill: Deno then says that the signal has ended it, whatever did
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(timer);
      process.off("exit", onExit);
      assert.is(code, 0, log);
    },
  };
}
