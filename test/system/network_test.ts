// The pod network in a namespace of its own, and what others do to it.
import * as assert from "uvu/assert";
import { Nft } from "../../agent/proxy/nft.ts";
import { createProxy } from "../../agent/proxy/proxy.ts";
import { createNetwork } from "../../agent/network/network.ts";
import type { Run } from "../../shared/platform/process.ts";
import { systemClock } from "../../shared/util/clock.ts";
import { type Log, silentLog } from "../../shared/util/log.ts";
import { addresses, type NodeNetwork, noNamespaces, podCidr, serviceNetwork, startNodeNetwork } from "../kit/node_network.ts";
import { routeSet } from "../kit/route_set.ts";
import { rejects, suite } from "../kit/suite.ts";

interface Context extends NodeNetwork {
  readonly said: string[];
}
const config = { bridge: "skt0", stub: ["skt-s0", "skt-s1"] } as const; // two agents on one machine have names of their own
const test = suite<Context>("createNetwork", {
  skip: noNamespaces(),
  timeoutMs: 20_000,
  async setup() {
    const said: string[] = [], note = (sentence: string) => void said.push(sentence);
    const log: Log = { ...silentLog, info: note, warn: note };
    return { ...await startNodeNetwork(log, config), said };
  },
  teardown: ({ close }) => close(),
});
const shown = async ({ node }: Context, command: string): Promise<string> => (await node.run(command.split(" "))).stdout;
async function withRoutes(on: Context, bridgeNetfilter: boolean, body: () => Promise<void>): Promise<void> {
  const filter = new Nft({ run: on.node.run, clock: systemClock, log: silentLog }, { table: "skt", prefix: on.node.prefix });
  const proxy = createProxy({ filter, clock: systemClock, log: silentLog }, { table: "skt", bridge: config.bridge }),
    controller = new AbortController();
  proxy.setLocal({ bridgeNetfilter });
  proxy.setDesired(
    routeSet([{ name: "web", ip: "10.202.0.10", ports: [{ port: 80, target: 8080 }], endpoints: [{ address: addresses.pod2 }] }]),
  );
  const running = proxy.run(controller.signal);
  await proxy.settled();
  try {
    await body();
  } finally {
    controller.abort();
    await running;
  }
}

test("prepare() may be called again and changes nothing that is well; its bridge keeps its address as ports come and go", async (on) => {
  const before = on.said.length;
  await on.network.prepare(podCidr, serviceNetwork);
  assert.is(on.said.length, before);
  const address = async () => /link\/ether (\S+)/.exec(await shown(on, "ip link show dev skt0"))![1];
  assert.is(await address(), "02:fe:0a:c9:01:01");
  await on.node.ip("link delete dev vpod1\nlink delete dev vpod2");
  assert.is(await address(), "02:fe:0a:c9:01:01");
});

test("onPodStarted() puts a new port into hairpin mode; a bridge that somebody deleted comes back", async (on) => {
  const controller = new AbortController(), running = on.network.run(controller.signal);
  const eventually = async (look: () => Promise<boolean>) => {
    for (let tries = 0; tries < 60; tries++) {
      if (await look()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("it has not come true");
  };
  await on.node.ip("link add vnew type veth peer name vnewp\nlink set vnew master skt0");
  on.network.onPodStarted();
  await eventually(async () => (await shown(on, "ip -d link show dev vnew")).includes("hairpin on"));
  await on.node.ip("link delete dev skt0");
  on.network.onPodStarted();
  await eventually(async () => (await shown(on, "ip route show")).includes("10.202.0.0/16 dev skt0"));
  controller.abort();
  await running;
});

test("the node reaches services when its uplink and default route are gone", async (on) => {
  await on.node.ip("link set dev vout down\nlink set dev vfar down");
  await withRoutes(on, true, async () => assert.is(await on.node.call("tcp", "10.202.0.10", 80), `pod2 ${addresses.gateway}`));
});

test("without br_netfilter pods of one bridge still reach each other through services, masqueraded", async (on) => {
  await on.node.run(["tee", "/proc/sys/net/bridge/bridge-nf-call-iptables"], { stdin: "0" });
  await withRoutes(on, true, async () => assert.is(await on.pod1.call("tcp", "10.202.0.10", 80, { timeoutMs: 500 }), "timeout"));
  await withRoutes(on, false, async () => assert.is(await on.pod1.call("tcp", "10.202.0.10", 80), `pod2 ${addresses.gateway}`));
});

test("a kernel that has no br_netfilter is found out and said once", async (on) => {
  const said: string[] = [], log: Log = { ...silentLog, warn: (sentence) => void said.push(sentence) };
  const without: Run = async (command, options) => {
    if (command[0] === "modprobe") return { status: 1, stdout: "", stderr: "" };
    const result = await on.node.run(command, options);
    return { ...result, stdout: result.stdout.replace(/^.*bridge-nf-call-iptables.*\n/m, "") };
  };
  const network = createNetwork({ log, clock: systemClock, run: without }, config);
  await network.prepare(podCidr, serviceNetwork);
  await network.prepare(podCidr, serviceNetwork);
  assert.is(network.bridgeNetfilter, false);
  assert.is(said.filter((sentence) => sentence.includes("bridge-nf-call-iptables")).length, 1);
});

test("a firewall that forwards nothing lets pods through", async (on) => {
  await on.node.run(["iptables", "-P", "FORWARD", "DROP"]);
  assert.is(await on.far.call("tcp", addresses.pod1, 8080, { timeoutMs: 500 }), "timeout");
  await on.network.prepare(podCidr, serviceNetwork);
  await on.network.prepare(podCidr, serviceNetwork);
  assert.is(await on.far.call("tcp", addresses.pod1, 8080), `pod1 ${addresses.far}`);
  assert.is((await shown(on, "iptables -S FORWARD")).match(/skt0/g)!.length, 2);
});

test("prepare() has the runtime make its network first, and clears a bridge of ours out of its way", async (on) => {
  await on.node.ip("link delete dev vpod1\nlink delete dev vpod2");
  const made: string[] = [];
  const runtime = {
    async ensureNetwork({ bridge, subnet, gateway }: { bridge: string; subnet: string; gateway: string }) {
      if ((await on.node.run(["ip", "link", "show", "dev", bridge])).status === 0) {
        throw Object.assign(new Error("link is there"), { reason: "AlreadyExists" });
      }
      made.push(`${bridge} ${subnet} ${gateway}`);
    },
  };
  await createNetwork({ log: silentLog, clock: systemClock, run: on.node.run, runtime }, config).prepare(podCidr, serviceNetwork);
  assert.equal(made, ["skt0 10.201.1.0/24 10.201.1.1"]);
  assert.match(await shown(on, "ip addr show dev skt0"), "10.201.1.1/24");
  await on.attach(on.pod1, addresses.pod1).catch(() => {}); // a pod is on it: not ours alone any more
  const refused = await rejects(
    createNetwork({ log: silentLog, clock: systemClock, run: on.node.run, runtime }, config).prepare(podCidr, serviceNetwork),
  );
  assert.match(refused.message, "link is there");
});
