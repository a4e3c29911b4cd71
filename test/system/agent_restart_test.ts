// kill -9 of the agent and a new start: containers, routes and their clients notice nothing.
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { withCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectls } from "../kit/kubectl.ts";
import { root } from "../kit/master_process.ts";
import { keepAsking, page } from "../kit/page.ts";
import { noPodman } from "../kit/podman.ts";
import { suite } from "../kit/suite.ts";

const test = suite("agent restart", { timeoutMs: 110_000, skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined) });

test("a killed agent finds its containers again, asks Podman for nothing but looks, and the routes answer all the while", () =>
  withCluster(async ({ k, agent, ready }) => {
    // Probed so seldom that an agent which had forgotten who is ready would have nobody to route to.
    const example = readFileSync(`${root}/examples/02_web_deployment/web.yaml`, "utf8");
    await k.ok("apply -f -", { input: example.replace("periodSeconds: 2", "periodSeconds: 10") });
    await ready(3);
    const { spec: { clusterIP } } = await k.json("get service web"), url = `http://${clusterIP}/`;
    await eventually("the service answers", () => page(url));
    const before = await ready(3), seen = await (await agent.podman()).observe();

    const asking = keepAsking(url, 20);
    for (let kill = 0; kill < 2; kill++) {
      await agent.kill();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await agent.startWatched();
      await eventually("it is connected again", () => agent.lines().some(({ message }) => message === "Connected to the master"));
      await new Promise((resolve) => setTimeout(resolve, 4_000)); // time in which it could do harm
      assert.equal(agent.podmanWrites(), [], "no call that writes");
    }
    // The new one does its work: what changes now arrives.
    await k.ok("scale deployment web --replicas=4");
    const after = await ready(4);
    assert.ok(
      agent.podmanWrites().some((call) => call.startsWith("POST /containers/create")),
      "the watch on Podman sees what the agent does",
    );
    const { answers, failures } = await asking.stop();
    assert.equal(failures, []);
    assert.ok(answers > 100, `${answers} answers`);

    for (const pod of before) assert.equal(after.find(({ uid }) => uid === pod.uid), pod, "the same container ids, the same StartedAt");
    const now = await (await agent.podman()).observe();
    for (const container of seen.containers) {
      const { id, startedAt, pid } = container, same = now.containers.find((one) => one.id === id);
      assert.equal({ id: same?.id, startedAt: same?.startedAt, pid: same?.pid }, { id, startedAt, pid });
    }
  }));
