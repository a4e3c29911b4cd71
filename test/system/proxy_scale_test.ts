// What a thousand services cost, against nft alone with the same rules from a file. CPU time: the wall clock belongs to whoever else is on the machine.
import * as assert from "uvu/assert";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { renderChange, renderFull } from "../../agent/proxy/render.ts";
import { Planner } from "../../agent/proxy/ruleset.ts";
import { ViewReader } from "../../agent/proxy/view.ts";
import { noNamespaces, Peer } from "../kit/node_network.ts";
import { routeSet, type TestService } from "../kit/route_set.ts";
import { suite } from "../kit/suite.ts";

const test = suite<{ peer: Peer }>("service routes, a thousand of them", {
  skip: noNamespaces(),
  timeoutMs: 60_000,
  setup: async () => ({ peer: await Peer.start("scale") }),
  teardown: ({ peer }) => peer.close(),
});
const count = 1000, rounds = 5;
const services = (changed = -1): TestService[] =>
  Array.from({ length: count }, (_, n) => ({
    name: `s${n}`,
    ip: `10.202.${n >> 8}.${n & 255}`,
    ports: [{ port: 80, target: 8080 }],
    endpoints: [1, 2, 3].map((i) => ({ address: `10.201.${i}.${n % 250 + (n <= changed ? 2 : 1)}`, node: `n${i}` })),
  }));

/** CPU milliseconds of `nft -f <file>`, as the shell counts its children. */
async function nftCpu(peer: Peer, text: string): Promise<number> {
  const file = join(tmpdir(), `skerry-scale-${process.pid}.nft`);
  await writeFile(file, text);
  try {
    const { stdout, stderr } = await peer.run(["bash", "-c", `TIMEFORMAT='%3U %3S'; { time nft -f ${file} || echo refused; } 2>&1`]);
    const [user = NaN, system = NaN] = stdout.trim().split("\n").at(-1)!.split(" ").map(Number);
    if (Number.isNaN(user + system) || stdout.includes("refused")) throw new Error(`nft: ${stdout.slice(0, 500)} ${stderr}`);
    return (user + system) * 1000;
  } finally {
    await rm(file, { force: true });
  }
}
/** CPU milliseconds of this process. */
function own<T>(work: () => T): [result: T, ms: number] {
  const before = process.cpuUsage(), result = work(), { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1000];
}
const least = (all: number[]): number => Math.min(...all);

test("a full load and a change of one service cost little more than nft itself", async ({ peer }) => {
  const reader = new ViewReader(), planner = new Planner("skerry0"), facts = { pods: undefined, bridgeNetfilter: true };
  const times = {
    full: [] as number[],
    bareFull: [] as number[],
    change: [] as number[],
    bareChange: [] as number[],
    render: [] as number[],
  };
  let set = routeSet(services());
  let before = planner.plan(reader.read(set)!, facts);
  const canned = renderFull("skerry", before, { anew: true });
  for (let round = 0; round < rounds; round++) {
    times.bareFull.push(await nftCpu(peer, canned));
    const [text, ms] = own(() => renderFull("skerry", new Planner("skerry0").plan(new ViewReader().read(set)!, facts), { anew: true }));
    times.full.push(ms + await nftCpu(peer, text));
    times.render.push(ms);
  }
  for (let round = 0; round < rounds; round++) {
    set = routeSet(services(round));
    const [[after, text], ms] = own(() => {
      const after = planner.plan(reader.read(set)!, facts);
      return [after, renderChange("skerry", before, after)!.text] as const;
    });
    times.change.push(ms + await nftCpu(peer, text));
    before = after;
    const chain = `inet skerry svc/default/s${round}/tcp/80/4`;
    times.bareChange.push(await nftCpu(peer, `flush chain ${chain}\nadd rule ${chain} meta l4proto tcp dnat ip to 10.201.1.9:8080\n`));
  }
  const [full, bareFull, change, bareChange] = [least(times.full), least(times.bareFull), least(times.change), least(times.bareChange)];
  const shown = (ms: number) => ms.toFixed(1);
  console.log(
    `full load of ${count}: ${shown(full)} ms CPU (of which ours ${shown(least(times.render))}), nft alone ${shown(bareFull)}: ${
      (full / bareFull).toFixed(2)
    }×`,
  );
  console.log(`one service of ${count}: ${shown(change)} ms CPU, nft alone ${shown(bareChange)}: ${(change / bareChange).toFixed(2)}×`);
  assert.ok(full < 2 * bareFull, `full load ${full} ms, nft alone ${bareFull} ms`);
  assert.ok(change < 3 * bareChange + 10, `change ${change} ms, nft alone ${bareChange} ms`);
});

test("the monitor holds little memory", async ({ peer }) => {
  const reader = new ViewReader(), planner = new Planner("skerry0");
  await peer.nft(renderFull("skerry", planner.plan(reader.read(routeSet(services()))!, { pods: undefined, bridgeNetfilter: true })));
  const pid = Number((await peer.run(["bash", "-c", "nft monitor destroy >/dev/null 2>&1 & echo $!; disown"])).stdout);
  try {
    await new Promise((resolve) => setTimeout(resolve, 700));
    const kib = Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
    console.log(`nft monitor with ${count} services: ${(kib / 1024).toFixed(1)} MiB`);
    assert.ok(kib < 32 * 1024, `${kib} KiB`);
  } finally {
    process.kill(pid, "SIGKILL");
  }
});
