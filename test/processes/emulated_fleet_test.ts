// Fifty devices that only pretend, over the real protocol against a real master: all of them Ready, and all of them at work.
import { readFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { createToken } from "../kit/cluster_process.ts";
import { emulatedDevices } from "../kit/emulated_devices.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { withMaster } from "../kit/master_process.ts";
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
    const fleet = emulatedDevices({ master: master.client.url, token: await createToken(master), count });
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
