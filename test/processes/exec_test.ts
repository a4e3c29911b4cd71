// Commands in containers, by real clients, through a master, a broker and an agent that are processes of their own. Only the containers pretend.
import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import process from "node:process";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { readKubeconfig } from "../kit/api_client.ts";
import { openChannels } from "../kit/channels.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

const clients = kubectls(["1.27", "1.29", "1.31", "1.33"]);
const cluster = shared<Cluster>(
  async () => {
    const made = await startCluster({ agent: { runtime: "emulated" } });
    await made.k.ok("run web --image=registry.example/web:1");
    await made.ready(1);
    return made;
  },
  (made) => made.close(),
  clusterLog,
);
const test = cluster.counting(suite<Cluster>("exec", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 60_000,
  skip: clients.length === 0 ? "no kubectl" : undefined,
}));

for (const { version, path } of clients) {
  const client = ({ master }: Cluster) => kubectl(path, { kubeconfig: master.kubeconfig, directory: master.directory });

  test(`kubectl ${version} sees both outputs and the exit code`, async (cluster) => {
    const { code, out, err } = await client(cluster).run("exec web -- sh -c 'echo out; echo err >&2; exit 7'");
    assert.equal([code, out, err], [7, "out\n", "err\ncommand terminated with exit code 7\n"]);
    assert.is(await client(cluster).ok("exec web -- hostname"), "web\n");
  });

  test(`kubectl ${version} sends stdin, and its end, and has all of it back`, async (cluster) => {
    assert.is(await client(cluster).ok("exec -i web -- cat", { input: "" }), "");
    const input = randomBytes(3_000_000).toString("hex");
    const back = await client(cluster).ok("exec -i web -- cat", { input });
    assert.ok(back === input, `${back.length} of ${input.length}`);
  });

  test(`kubectl ${version} runs a script of 60,000 characters, and hears that one of 100,000 is too long`, async (cluster) => {
    const script = (length: number): string => `echo ${"long ".repeat(length / 5)}`;
    const told = await client(cluster).ok(`exec web -- sh -c '${script(60_000)}'`);
    assert.is(told.length, 60_000);
    const { code, err } = await client(cluster).run(`exec web -- sh -c '${script(100_000)}'`);
    assert.equal([code, /the command is too long: it may have some 65536 bytes/.test(err)], [1, true], err.slice(0, 300));
  });

  test(`kubectl ${version} is told what cannot be`, async (cluster) => {
    const { err } = await client(cluster).run("exec nobody -- ls");
    assert.is(err, 'Error from server (NotFound): pods "nobody" not found\n');
    assert.match((await client(cluster).run("exec web -c other -- ls")).err, /\(BadRequest\): container other is not valid for pod web/);
    const waiting = `waits-${version.replace(".", "-")}`, overrides = `'--overrides={"spec":{"nodeName":"nowhere"}}'`;
    await cluster.k.ok(`run ${waiting} --image=registry.example/web:1 ${overrides}`);
    assert.match((await client(cluster).run(`exec ${waiting} -- ls`)).err, /pod waits-\S+: node nowhere is not connected/);
  });
}

test("a client that speaks v4 of the channels has its command's output, and how it ended; it cannot end stdin, and may leave", async ({ master }) => {
  const { url: server, ca, cert, key } = await readKubeconfig(master.kubeconfig);
  const open = (query: string) =>
    openChannels(`${server}/api/v1/namespaces/default/pods/web/exec?stdout=true&stderr=true&${query}`, { ca, cert, key }, [
      "v4.channel.k8s.io",
    ]);
  const told = await open("command=sh&command=-c&command=echo+out%3B+echo+err+%3E%262%3B+exit+7");
  assert.equal([told.protocol, await told.closed], ["v4.channel.k8s.io", 1000]);
  assert.equal([told.on(1).toString(), told.on(2).toString()], ["out\n", "err\n"]);
  assert.equal(JSON.parse(told.on(3).toString()).details.causes, [{ reason: "ExitCode", message: "7" }]);
  const asked = await open("stdin=true&command=cat");
  asked.send(0, "typed");
  await eventually("it comes back", () => asked.on(1).toString() === "typed");
  asked.close();
  await asked.closed;
});

test("a client that goes away takes its command with it, and there is room for the next", async ({ master }) => {
  // More than a node has sessions: each must have ended for the last to begin.
  for (let i = 0; i < 12; i++) {
    const child = spawn(clients.at(-1)!.path, ["--kubeconfig", master.kubeconfig, "exec", "-i", "web", "--", "cat"], {
      env: { HOME: master.directory, PATH: process.env.PATH },
      stdio: ["pipe", "pipe", "ignore"],
    });
    let out = "";
    child.stdout.on("data", (data) => out += data);
    child.stdin.on("error", () => {});
    child.stdin.write("here\n");
    await eventually("the command runs", () => out === "here\n");
    child.kill("SIGKILL");
  }
});

test("a node that goes away ends what ran on it, with a word about that", async ({ agent, k }) => {
  const following = k.follow("exec web -- sleep 60");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await agent.kill();
  await eventually(
    "kubectl says so",
    () => /node rock-\d+ is not connected/.test(following.out()) || Promise.reject(new Error(following.out())),
  );
  await following.stop();
});
