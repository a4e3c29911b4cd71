// Commands and forwarded ports through masters that do not have the node: they hand the connection on to the one that has, as the same user.
import { randomBytes } from "node:crypto";
import * as assert from "uvu/assert";
import { type AgentProcess, agentProcess } from "../kit/agent_process.ts";
import { createToken, readyPods } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { type PeeredMaster, startMasters } from "../kit/masters_process.ts";
import { askPort, portForward } from "../kit/port_forward.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

interface Context {
  readonly masters: readonly PeeredMaster[];
  readonly agent: AgentProcess;
  /** Of the masters, those that do not have the node. */
  readonly others: readonly PeeredMaster[];
}
const clients = kubectls(["1.29", "1.33"]);
const three = shared<Context>(
  async () => {
    const masters = await startMasters(3), first = masters[0]!;
    const agent = agentProcess({ master: first.client.url, token: await createToken(first), runtime: "emulated" });
    const made = { masters, agent, others: [] as PeeredMaster[] };
    try {
      await agent.start();
      await kubectl(clients.at(-1)!.path, first).ok("run web --image=registry.example/web:1");
      await readyPods(first, 1);
      // It chooses among the masters: who has it says so itself.
      const own = await eventually("a master has the node", () => masters.find((one) => one.log().includes('"A node is connected"')));
      made.others.push(...masters.filter((one) => one !== own));
      for (const other of made.others) await eventually("all know the pod", async () => (await readyPods(other, 1)).length === 1);
      return made;
    } catch (error) {
      await closeAll(made);
      throw error;
    }
  },
  closeAll,
  ({ masters }) => masters.map((master) => `\n${master.name}'s last lines:\n${master.log().slice(-1_500)}`).join(""),
);
const test = three.counting(suite<Context>("streams between masters", {
  setup: three.setup,
  teardown: three.teardown,
  timeoutMs: 110_000,
  skip: clients.length === 0 ? "no kubectl" : undefined,
}));
async function closeAll({ agent, masters }: Context): Promise<void> {
  await agent.close();
  await Promise.all(masters.map((master) => master.close()));
}

for (const { version, path } of clients) {
  test(`kubectl ${version} runs commands through masters that do not have the node`, async ({ others }) => {
    for (const other of others) {
      const { code, out, err } = await kubectl(path, other).run("exec web -- sh -c 'echo out; echo err >&2; exit 7'");
      assert.equal([code, out, err], [7, "out\n", "err\ncommand terminated with exit code 7\n"]);
      const input = randomBytes(500_000).toString("hex"), back = await kubectl(path, other).ok("exec -i web -- cat", { input });
      assert.ok(back === input, `${back.length} of ${input.length}`);
    }
  });

  test(`kubectl ${version} forwards ports through a master that does not have the node`, async ({ others: [other] }) => {
    const forward = await portForward(kubectl(path, other!), "web", 8080), sent = randomBytes(5_000_000);
    try {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => askPort(forward.port, `/${i}`)));
      answers.forEach(({ body }, i) => assert.is(body.toString(), `Hello from pod web: GET /${i}\n`));
      assert.ok((await askPort(forward.port, "/", sent)).body.equals(sent));
    } finally {
      await forward.stop();
    }
  });

  test(`kubectl ${version} may on the other master what its user may`, async ({ others: [other] }) => {
    const k = kubectl(path, other!);
    const name = `runs-${version.replace(".", "-")}`, user = `runner-${version}`;
    await k.ok(`create role ${name} --verb=create,get --resource=pods,pods/exec`);
    await k.ok(`create rolebinding ${name} --role=${name} --user=${user}`);
    await eventually("the role counts everywhere", async () => (await k.run(`exec web --as=${user} -- hostname`)).out === "web\n");
  });
}

test("a node that is connected to none is said to be so, by every master", async ({ agent, masters }) => {
  await agent.kill();
  for (const master of masters) {
    const k = kubectl(clients.at(-1)!.path, master);
    await eventually("it is said", async () => /node rock-\d+ is not connected/.test((await k.run("exec web -- hostname")).err));
  }
});
