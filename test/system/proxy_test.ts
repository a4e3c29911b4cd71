// Packets through real rules, in network namespaces of their own: what counts is where they land. See test/kit/node_network.ts for who lives where.
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { Nft } from "../../agent/proxy/nft.ts";
import { createProxy, type Proxy } from "../../agent/proxy/proxy.ts";
import { renderChange, renderFull, renderRemoval } from "../../agent/proxy/render.ts";
import { Planner } from "../../agent/proxy/ruleset.ts";
import { rulesetFile } from "../../agent/proxy/ruleset_file.ts";
import { ViewReader } from "../../agent/proxy/view.ts";
import { systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { addresses, type NodeNetwork, noNamespaces, type Peer, startNodeNetwork } from "../kit/node_network.ts";
import { runtime } from "../kit/master_process.ts";
import { routeSet, type TestEndpoint, type TestService } from "../kit/route_set.ts";
import { suite } from "../kit/suite.ts";
import { testDirectory } from "../kit/test_directory.ts";

interface Context extends NodeNetwork {
  readonly filter: Nft;
  readonly proxy: Proxy;
  /** Resolves when the routes are in the kernel. */
  route(...services: TestService[]): Promise<void>;
  /** A second run of the agent, over what the first left. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  readonly savedTo: string;
}
let shared: Promise<NodeNetwork> | undefined;

const test = suite<Context>("service routes", {
  skip: noNamespaces(),
  timeoutMs: 20_000,
  async setup() {
    const network = await (shared ??= startNodeNetwork(silentLog));
    const savedTo = `${testDirectory("routes")}/routes.nft`;
    const filter = new Nft({ run: network.node.run, clock: systemClock, log: silentLog }, { table: "skerry", prefix: network.node.prefix });
    const start = () => {
      const proxy = createProxy({ filter, clock: systemClock, log: silentLog, file: rulesetFile(savedTo) }),
        controller = new AbortController();
      return { proxy, controller, running: proxy.run(controller.signal) };
    };
    let now = start();
    const stop = async () => {
      now.controller.abort();
      await now.running;
    };
    return {
      ...network,
      filter,
      savedTo,
      get proxy() {
        return now.proxy;
      },
      async route(...services: TestService[]) {
        now.proxy.setDesired(routeSet(services));
        await now.proxy.settled();
      },
      async restart() {
        await stop();
        now = start();
      },
      stop,
    };
  },
  async teardown({ proxy, stop }: Context) {
    await stop();
    if (shared) await proxy.purge();
  },
});

const pod1: TestEndpoint = { address: addresses.pod1, uid: "u1" }, pod2: TestEndpoint = { address: addresses.pod2, uid: "u2" };
const far: TestEndpoint = { address: addresses.far, node: "n2" };
const http = { name: "http", port: 80, target: 8080 }, dns = { name: "dns", port: 53, target: 5353, protocol: "UDP" as const };
const vip = "10.202.0.10";
const web = (endpoints: readonly TestEndpoint[], rest: Partial<TestService> = {}): TestService => ({
  name: "web",
  ip: vip,
  ports: [http, dns],
  endpoints,
  ...rest,
});
const nodePort = { ...http, nodePort: 30080 };
/** Who answered, over several calls. */
async function answers(from: Peer, host: string, port: number, calls = 16): Promise<string[]> {
  const said = new Set<string>();
  for (let i = 0; i < calls; i++) said.add(await from.call("tcp", host, port));
  return [...said].sort();
}
const tcp = (from: Peer, host: string, port = 80) => from.call("tcp", host, port);
const quick = { timeoutMs: 400 };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
async function eventually(look: () => Promise<boolean>, withinMs = 3000): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(20)) if (await look()) return;
  throw new Error("it has not come true");
}

test("a cluster address reaches every endpoint, from the node and from pods, which keep their address", async (on) => {
  await on.route(web([pod1, pod2, far]));
  assert.equal((await answers(on.node, vip, 80)).map((said) => said.split(" ")[0]), ["far", "pod1", "pod2"]);
  await on.route(web([pod2]));
  assert.is(await tcp(on.pod1, vip), `pod2 ${addresses.pod1}`);
  assert.is(await on.pod1.call("udp", vip, 53), `pod2 ${addresses.pod1}`);
  assert.is(await on.node.call("udp", vip, 53), `pod2 ${addresses.gateway}`);
});

test("a pod on another node sees the pod that calls, not its node", async (on) => {
  await on.route(web([far]));
  assert.is(await tcp(on.pod1, vip), `far ${addresses.pod1}`);
});

test("a pod reaches itself through its own service", async (on) => {
  await on.route(web([pod1]));
  assert.is(await tcp(on.pod1, vip), `pod1 ${addresses.gateway}`);
});

test("a node port is open from outside and through the node's own address, also for endpoints elsewhere", async (on) => {
  await on.route(web([far], { ports: [nodePort], spec: { type: "NodePort" } }));
  assert.is((await tcp(on.out, addresses.node, 30080)).split(" ")[0], "far");
  assert.is((await tcp(on.node, addresses.node, 30080)).split(" ")[0], "far");
  assert.is((await tcp(on.pod1, addresses.node, 30080)).split(" ")[0], "far");
});

test("external and load balancer addresses are routed; source ranges hold for the latter", async (on) => {
  const services = (range: string) =>
    web([pod1], {
      ports: [nodePort],
      spec: { type: "LoadBalancer", externalIPs: ["203.0.113.7"], loadBalancerSourceRanges: [range] },
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.5" }] } },
    });
  await on.route(services("192.168.50.0/24"));
  assert.is((await tcp(on.out, "203.0.113.5")).split(" ")[0], "pod1");
  assert.is((await tcp(on.out, "203.0.113.7")).split(" ")[0], "pod1");
  await on.route(services("172.16.0.0/12"));
  assert.is(await on.out.call("tcp", "203.0.113.5", 80, quick), "timeout");
  assert.is((await tcp(on.out, "203.0.113.7")).split(" ")[0], "pod1");
});

test("externalTrafficPolicy Local keeps the client's address, and drops where no endpoint is here", async (on) => {
  const local = (endpoints: TestEndpoint[]) =>
    web(endpoints, { ports: [nodePort], spec: { type: "NodePort", externalTrafficPolicy: "Local" } });
  await on.route(local([pod1, far]));
  assert.equal(await answers(on.out, addresses.node, 30080), [`pod1 ${addresses.out}`]);
  assert.equal((await answers(on.pod2, addresses.node, 30080)).map((said) => said.split(" ")[0]), ["far", "pod1"]);
  await on.route(local([far]));
  assert.is(await on.out.call("tcp", addresses.node, 30080, quick), "timeout");
  assert.is((await tcp(on.node, addresses.node, 30080)).split(" ")[0], "far");
});

test("internalTrafficPolicy Local stays on the node, or goes nowhere", async (on) => {
  await on.route(web([pod1, far], { spec: { internalTrafficPolicy: "Local" } }));
  assert.equal(await answers(on.pod2, vip, 80), [`pod1 ${addresses.pod2}`]);
  await on.route(web([far], { spec: { internalTrafficPolicy: "Local" } }));
  assert.is(await on.pod2.call("tcp", vip, 80, quick), "timeout");
});

test("no endpoints, or a port that the service has not, is refused at once; an address that is nobody's is dropped", async (on) => {
  await on.route(web([], { ports: [nodePort, dns], spec: { type: "NodePort" } }));
  assert.is(await tcp(on.pod1, vip), "ECONNREFUSED");
  assert.is(await tcp(on.node, vip), "ECONNREFUSED");
  assert.is(await tcp(on.out, addresses.node, 30080), "ECONNREFUSED");
  if (runtime === "node") assert.is(await on.pod1.call("udp", vip, 53), "ECONNREFUSED"); // Deno's dgram keeps it to itself
  assert.is(await tcp(on.pod1, vip, 81), "ECONNREFUSED");
  assert.is(await on.pod1.call("tcp", "10.202.99.99", 80, quick), "timeout");
  await on.route(web([pod2], { ports: [nodePort, dns] }));
  assert.is(await tcp(on.pod1, vip), `pod2 ${addresses.pod1}`);
});

test("sessionAffinity ClientIP keeps a client with its pod through changes, reloads and restarts of the agent", async (on) => {
  const sticky = (endpoints: TestEndpoint[]) => web(endpoints, { spec: { sessionAffinity: "ClientIP" } });
  await on.route(sticky([pod1, pod2, far]));
  const mine = await answers(on.out, vip, 80, 8);
  assert.is(mine.length, 1);
  await on.route(sticky([pod1, pod2, far]), { name: "other", ip: "10.202.0.11", ports: [http], endpoints: [pod1] });
  assert.equal(await answers(on.out, vip, 80, 8), mine);
  await on.restart();
  await on.route(sticky([pod1, pod2, far]));
  assert.equal(await answers(on.out, vip, 80, 8), mine);
  const left = [pod1, pod2, far].filter(({ address }) => address !== addresses[mine[0]!.split(" ")[0] as "pod1"]);
  await on.route(sticky(left));
  const moved = await answers(on.out, vip, 80, 8);
  assert.is(moved.length, 1);
  assert.is.not(moved[0], mine[0]);
});

test("when the last ready endpoint ends, it is used for as long as it still answers", async (on) => {
  await on.route(web([{ ...pod1, ready: false, serving: true, terminating: true }, { ...pod2, ready: false }]));
  assert.equal(await answers(on.pod2, vip, 80, 4), [`pod1 ${addresses.pod2}`]);
});

test("setLocal() knows this node's pods better than the slices", async (on) => {
  await on.route(web([pod1, { ...pod2, address: "10.201.1.99" }]));
  on.proxy.setLocal({ pods: new Map([["u2", { address: addresses.pod2, ready: true, terminating: false }]]) });
  await on.proxy.settled();
  assert.equal(await answers(on.pod1, vip, 80, 8), [`pod2 ${addresses.pod1}`]);
});

test("an open connection outlives its endpoint's removal from the routes; UDP clients move on", async (on) => {
  await on.route(web([pod1]));
  await on.out.call("open", vip, 80);
  const fixed = { localPort: 40_000 };
  assert.is((await on.out.call("udp", vip, 53, fixed)).split(" ")[0], "pod1");
  await on.route(web([pod2]));
  assert.is((await on.out.call("udp", vip, 53, fixed)).split(" ")[0], "pod2");
  assert.is((await on.out.call("say", vip, 80)).split(" ")[0], "pod1");
});

test("routes come back at once after somebody has flushed the ruleset, deleted the table or emptied it", async (on) => {
  await on.route(web([pod1]));
  for (const vandal of ["flush ruleset", "delete table inet skerry", "flush table inet skerry", "flush chain inet skerry services"]) {
    if (vandal !== "flush ruleset") await sleep(700); // else it comes while our own load is still being told about
    await on.node.nft(vandal);
    const started = performance.now();
    await eventually(async () => (await on.node.call("tcp", vip, 80, quick)).startsWith("pod1"));
    console.log(`${vandal}: routes again after ${Math.round(performance.now() - started)} ms`);
  }
});

test("the rules stay when the agent stops, and are back at boot before the set is", async (on) => {
  await on.route(web([pod2]));
  await on.stop();
  assert.is(await tcp(on.pod1, vip), `pod2 ${addresses.pod1}`);
  assert.match(await readFile(on.savedTo, "utf8"), "svc/default/web/tcp/80/4");
  await on.node.nft("delete table inet skerry");
  await on.restart();
  await eventually(async () => (await on.pod1.call("tcp", vip, 80, quick)) === `pod2 ${addresses.pod1}`);
});

test("a change leads to the same table as a full load", async (on) => {
  await on.stop();
  const reader = new ViewReader(), planner = new Planner("skerry0"), facts = { pods: undefined, bridgeNetfilter: true };
  const plan = (services: TestService[]) => planner.plan(reader.read(routeSet(services))!, facts);
  const table = async () => {
    const listed = (await on.node.run(["nft", "-s", "list", "table", "inet", "skerry"])).stdout;
    // Chains stand in the order of their making, elements in that of their hashes.
    const blocks = listed.split(/\n\n|\n\t(?=chain)/).map((block) =>
      block.replace(/elements = \{([^}]*)\}/s, (_, all: string) => all.split(",").map((each) => each.trim()).sort().join())
    );
    return blocks.map((block) => block.trim().replace(/\n?\}*$/, "")).sort().join("\n");
  };
  const steps: TestService[][] = [
    [],
    [web([pod1]), { ...web([pod2]), name: "b", ip: "10.202.0.11" }],
    [web([pod1, far], { ports: [nodePort], spec: { type: "NodePort", externalTrafficPolicy: "Local" } })],
    [web([], { ports: [nodePort] }), { ...web([pod2], { spec: { sessionAffinity: "ClientIP" } }), name: "c", ip: "10.202.0.12" }],
    [web([pod1]), {
      ...web([pod2, far], { spec: { sessionAffinity: "ClientIP", internalTrafficPolicy: "Local" } }),
      name: "c",
      ip: "10.202.0.12",
    }],
    [],
  ];
  let before = plan([]);
  await on.filter.apply(renderFull("skerry", before, { anew: true }));
  for (const services of steps) {
    const after = plan(services), change = renderChange("skerry", before, after)!;
    if (change.text !== "") await on.filter.apply(change.text);
    const removal = renderRemoval("skerry", change.stale);
    if (removal !== "") await on.filter.apply(removal);
    const changed = await table();
    await on.filter.apply(renderFull("skerry", after, { anew: true }));
    assert.is(changed, await table());
    before = after;
  }
});

test("the kernel takes every text of the golden pairs", async (on) => {
  const folder = new URL("../agent/proxy/render/", import.meta.url), base = new Planner("skerry0");
  const loaded = (from: TestService[], node?: Parameters<typeof routeSet>[1]) =>
    renderFull("skerry", base.plan(new ViewReader().read(routeSet(from, node))!, { pods: undefined, bridgeNetfilter: true }), {
      anew: true,
    });
  await on.stop();
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".nft"))) {
    const input = JSON.parse(await readFile(new URL(name.replace(".output.nft", ".input.json"), folder), "utf8"));
    await on.node.nft(loaded(input.from ?? [], input.node));
    for (const part of (await readFile(new URL(name, folder), "utf8")).split("# later\n")) {
      const { status, stderr } = await on.node.run(["nft", "--check", "-f", "-"], { stdin: part });
      assert.is(status, 0, `${name}: ${stderr}`);
      await on.node.nft(part);
    }
  }
});

test("(last) the namespaces are gone when their processes are", async (on) => {
  await on.stop();
  await on.close();
  shared = undefined;
  assert.is((await on.node.run(["true"])).status === 0, false);
});
