// Pairs of <name>.input.json (services, and those before them) and <name>.output.nft (what nft is told). REWRITE=1 renews the outputs; review the diff.
// test/system/proxy_test.ts has the kernel read them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { renderChange, renderFull, renderRemoval } from "../../../agent/proxy/render.ts";
import { Planner } from "../../../agent/proxy/ruleset.ts";
import { ViewReader } from "../../../agent/proxy/view.ts";
import { routeSet, type TestEndpoint, type TestService } from "../../kit/route_set.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("render");
const folder = new URL("./render/", import.meta.url);
const facts = { pods: undefined, bridgeNetfilter: true };
interface Input {
  readonly node?: Parameters<typeof routeSet>[1];
  readonly facts?: { bridgeNetfilter: boolean };
  /** Of a full load; else of the change `from` some services, or none. */
  readonly full?: boolean;
  readonly from?: TestService[];
  readonly services: TestService[];
}
const planned = (services: TestService[], { node, facts: given }: Partial<Input> = {}) =>
  new Planner("skerry0").plan(new ViewReader().read(routeSet(services, node))!, { ...facts, ...given });

for (const name of readdirSync(folder).filter((file) => file.endsWith(".input.json")).map((file) => file.replace(".input.json", ""))) {
  test(`what nft is told of ${name}`, () => {
    const input = JSON.parse(readFileSync(new URL(`${name}.input.json`, folder), "utf8")) as Input;
    const to = planned(input.services, input);
    const change = input.full ? undefined : renderChange("skerry", planned(input.from ?? [], input), to)!;
    const text = change ? `${change.text}# later\n${renderRemoval("skerry", change.stale)}` : renderFull("skerry", to);
    const output = new URL(`${name}.output.nft`, folder);
    if (process.env.REWRITE) writeFileSync(output, text);
    assert.fixture(text, readFileSync(output, "utf8"));
  });
}

const web = (endpoints: readonly TestEndpoint[], rest: Partial<TestService> = {}): TestService => ({
  name: "web",
  ip: "10.202.0.10",
  ports: [{ port: 80, target: 8080 }],
  endpoints,
  ...rest,
});
const here: TestEndpoint = { address: "10.201.1.21", uid: "u1" };

test("renderChange() has nothing to say of equal rulesets, whatever the order of endpoints", () => {
  const other: TestEndpoint = { address: "10.201.1.22" };
  assert.equal(renderChange("skerry", planned([web([here, other])]), planned([web([other, here])])), {
    text: "",
    stale: { chains: [], sets: [] },
  });
});

test("renderChange() asks for a full load when the base is another", () => {
  assert.is(renderChange("skerry", planned([]), planned([], { facts: { bridgeNetfilter: false } })), undefined);
});

test("of two services that claim one address and port the first has it, and the other is named", () => {
  const claim = { externalIPs: ["203.0.113.7"] };
  const ruleset = planned([web([here], { name: "b", spec: claim }), web([here], { name: "a", ip: "10.202.0.11", spec: claim })]);
  assert.equal(ruleset.conflicts, ["default/b: 203.0.113.7 . tcp . 80"]);
  assert.is(ruleset.elements.get("svc4")!.get("203.0.113.7 . tcp . 80"), "goto ext/default/a/tcp/80/4");
});

test("a pod of this node that the agent does not know, or knows as not ready, gets nothing; one that has moved is found", () => {
  const rules = (pods: Map<string, { address: string; ready: boolean; terminating: boolean }>) =>
    new Planner("skerry0").plan(new ViewReader().read(routeSet([web([here])]))!, { ...facts, pods }).chains.get("svc/default/web/tcp/80/4")
      ?.[1];
  assert.is(rules(new Map()), undefined);
  assert.is(rules(new Map([["u1", { address: "10.201.1.77", ready: false, terminating: false }]])), undefined);
  assert.is(
    rules(new Map([["u1", { address: "10.201.1.77", ready: true, terminating: false }]])),
    "meta l4proto tcp dnat ip to 10.201.1.77:8080",
  );
  assert.is(
    rules(new Map([["u1", { address: "10.201.1.77", ready: true, terminating: true }]])),
    "meta l4proto tcp dnat ip to 10.201.1.77:8080",
  );
});

test("publishNotReadyAddresses sends traffic before pods are ready", () => {
  const ruleset = new Planner("skerry0").plan(
    new ViewReader().read(routeSet([web([here], { spec: { publishNotReadyAddresses: true } })]))!,
    {
      ...facts,
      pods: new Map([["u1", { address: "10.201.1.21", ready: false, terminating: false }]]),
    },
  );
  assert.ok(ruleset.chains.has("svc/default/web/tcp/80/4"));
});

test("names stay within what the kernel holds, and apart", () => {
  const long = web([{ address: "fd00:c9:1:1111:2222:3333:4444:5555" }, { address: "fd00:c9:1:1111:2222:3333:4444:5556" }], {
    name: "n".repeat(220),
    ip: "fd00:ca::10",
    spec: { sessionAffinity: "ClientIP" },
  });
  const { chains, sets } = planned([long]), names = [...chains.keys(), ...sets.keys()].filter((name) => /^(ep|aff)/.test(name));
  assert.is(new Set(names).size, 4);
  assert.ok(names.every((name) => name.length < 255));
});
