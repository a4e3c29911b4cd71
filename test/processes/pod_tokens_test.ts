// A pod's own token, the whole way: admission mounts it, the master renders it into the node's set, the node keeps it sealed on its flash and writes it into the volume.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import * as assert from "uvu/assert";
import { type AgentProcess, agentProcess } from "../kit/agent_process.ts";
import { createToken } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { masterProcess } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("a pod's own token", { timeoutMs: 120_000, skip: kubectls().length === 0 ? "no kubectl" : undefined });

test("a pod speaks for its account, also after months alone and a boot, until it is gone; a new key reaches it while it runs", async () => {
  const args: string[] = [], master = await masterProcess({ args });
  let agent: AgentProcess | undefined;
  try {
    await master.start();
    agent = agentProcess({ master: master.client.url, token: await createToken(master), runtime: "emulated" });
    await agent.start();
    const { runDir, dataDir, directory, nodeName } = agent;
    const { path } = kubectls().at(-1)!, k = kubectl(path, master);
    await k.ok("create serviceaccount robot");
    await k.ok("create clusterrolebinding robot --clusterrole=view --serviceaccount=default:robot");
    await k.ok(`apply -f -`, {
      input: JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web" },
        spec: { serviceAccountName: "robot", containers: [{ name: "main", image: "x" }] },
      }),
    });
    const running = async () => {
      const { metadata: { uid }, status } = await k.json("get pod web"), [container] = status.containerStatuses;
      return container.state.running ? { uid, containerID: container.containerID, restartCount: container.restartCount } : undefined;
    };
    const before = await eventually("the pod runs", running);
    const files = `${runDir}/pods/${before.uid}/files`, volume = () => `${files}/${readdirSync(files)[0]}`;
    const read = (name: string) => readFileSync(`${volume()}/${name}`, "utf8");
    const whoami = (token: string) =>
      kubectl(path, { kubeconfig: "/dev/null", directory }).run(
        `auth whoami --token ${token} --server https://127.0.0.1:${master.port} --insecure-skip-tls-verify`,
      );
    const first = read("token");
    assert.is(read("namespace"), "default");
    assert.match(read("ca.crt"), /BEGIN CERTIFICATE/);
    const who = await whoami(first);
    for (const word of ["system:serviceaccount:default:robot", before.uid, nodeName]) assert.ok(who.out.includes(word), who.out + who.err);
    for (const place of [dataDir, master.dataDir]) {
      for (const file of readdirSync(place, { recursive: true, encoding: "utf8", withFileTypes: true })) {
        if (file.isFile()) {
          assert.not.ok(
            readFileSync(`${file.parentPath}/${file.name}`, "latin1").includes(first.slice(-60)),
            `${file.name} has it in the clear`,
          );
        }
      }
    }
    assert.not.ok(`${agent.log()}${master.log()}`.includes(first.slice(-60)));

    // Alone, and after a boot of the node: what is in memory is gone, what is on flash is enough.
    await master.kill();
    await agent.stop();
    rmSync(`${runDir}/pods`, { recursive: true });
    await agent.start();
    await eventually("the pod has its files again", () => read("token") === first);

    // The next key: all tokens are new, nothing that runs is touched, and what has the old one is still let in.
    await master.start();
    const alive = await eventually("the pod has been started again, as after any boot", async () => {
      const now = await running();
      return now?.restartCount === 1 && now;
    });
    assert.is(read("token"), first);
    await master.stop();
    args.push("--token-key", "2");
    await master.start();
    const second = await eventually("the token is another", () => read("token") !== first && read("token"));
    await eventually("the node is heard", async () => (await k.ok("get nodes")).includes(" Ready "));
    assert.equal(await running(), alive);
    for (const token of [first, second]) assert.match((await whoami(token)).out, /system:serviceaccount:default:robot/);

    await k.ok("delete pod web --now");
    await eventually("the token is worth nothing", async () => /must be logged in|Unauthorized/.test((await whoami(second)).err));
  } finally {
    await agent?.close();
    await master.close();
  }
});
