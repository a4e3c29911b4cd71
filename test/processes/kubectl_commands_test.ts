// Every command of kubectl as users run it, in each release that we promise: tables of lines, with what is to be seen, against a master and devices that pretend.
import { mkdirSync, writeFileSync } from "node:fs";
import { applies, runLines, type Scenario } from "../kit/command_lines.ts";
import { createToken } from "../kit/cluster_process.ts";
import { type EmulatedDevices, emulatedDevices } from "../kit/emulated_devices.ts";
import { eventually } from "../kit/eventually.ts";
import { type InstalledKubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { type MasterProcess, masterProcess, runtime } from "../kit/master_process.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";
import { access, keepingNodes, measuring } from "./commands/nodes.ts";
import { describing, discovery, getting } from "./commands/reading.ts";
import { insidePods, rollingOut } from "./commands/workloads.ts";
import { applying, changing, generating, waiting } from "./commands/writing.ts";

const scenarios: readonly Scenario[] = [
  discovery,
  getting,
  describing,
  applying,
  changing,
  generating,
  waiting,
  rollingOut,
  insidePods,
  keepingNodes,
  access,
  measuring,
];
const nodes = 3;

interface Fleet {
  readonly master: MasterProcess;
  readonly devices: EmulatedDevices;
}
/** Each release against one runtime: what a line shows depends on both, but hardly on the pair. */
const clients = kubectls(runtime === "node" ? ["1.29", "1.33"] : ["1.27", "1.31"]);
const fleet = shared<Fleet>(
  async () => {
    const master = await masterProcess();
    try {
      await master.start();
      const devices = emulatedDevices({
        master: master.client.url,
        token: await createToken(master),
        count: nodes,
        more: ["--write-logs"],
      });
      const k = kubectl(clients.at(-1)!.path, master);
      const ready = async () => (await k.ok("get nodes --no-headers")).match(/^emu-\d+ +Ready /gm)?.length === nodes;
      await eventually(`${nodes} nodes Ready`, ready, { withinMs: 60_000 });
      return { master, devices };
    } catch (error) {
      await master.close();
      throw error;
    }
  },
  async ({ master, devices }) => {
    try {
      await devices.stop();
    } finally {
      await master.close();
    }
  },
  ({ master, devices }) => `\nThe master's last lines:\n${master.log().slice(-1_000)}\nThe devices':\n${devices.log().slice(-500)}`,
);
const test = fleet.counting(suite<Fleet>("kubectl's commands", {
  setup: fleet.setup,
  teardown: fleet.teardown,
  timeoutMs: 400_000,
  skip: clients.length === 0 ? "no kubectl" : undefined,
}));

for (const { name, lines, alone } of scenarios) {
  test(`${name}, by ${clients.map(({ version }) => version).join(", ")}`, async ({ master }) => {
    const wrong: string[] = [];
    const asOne = async ({ version, path }: InstalledKubectl): Promise<void> => {
      const NS = `${name}-${version.replace(".", "-")}`, DIR = `${master.directory}/${NS}`;
      const k = kubectl(path, { kubeconfig: master.kubeconfig, directory: DIR });
      mkdirSync(DIR);
      writeFileSync(`${DIR}/file.txt`, "words");
      await k.ok(`create namespace ${NS}`);
      wrong.push(...await runLines(k, lines.filter((line) => applies(line, version)), { NS, DIR }));
      await k.ok(`delete namespace ${NS} --wait=false`);
    };
    if (alone) { for (const client of clients) await asOne(client); }
    else await Promise.all(clients.map(asOne));
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
  });
}
