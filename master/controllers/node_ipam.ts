// Gives every node a /24 of the pod network, once. One key for all nodes, so that two are never decided over the same view.
import { nodes } from "../../shared/api/kinds/node.ts";
import type { Controller } from "./controller.ts";

const everyNode = "nodes", perNode = 256;

/** Pure: the first free /24s of the network for those without one. @returns name → CIDR; fewer than asked for when the network is full */
export function planSubnets(network: string, taken: ReadonlySet<string>, without: readonly string[]): Map<string, string> {
  const [address = "", bits] = network.split("/"), first = toNumber(address), size = 2 ** (32 - Number(bits));
  const plan = new Map<string, string>();
  let at = first;
  for (const name of without) {
    while (at < first + size && taken.has(`${toText(at)}/24`)) at += perNode;
    if (at >= first + size) break;
    plan.set(name, `${toText(at)}/24`);
    at += perNode;
  }
  return plan;
}
const toNumber = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (address: number): string => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");

export function nodeIpamController(podNetwork: string): Controller {
  return {
    name: "node-ipam",
    *keysOf({ kind, before, after }) {
      if (kind.group === "" && kind.plural === "nodes" && (!before || !after)) yield everyNode;
    },
    *allKeys() {
      yield everyNode;
    },
    async reconcile(_key, { cache, registry, recorder }) {
      const all = [...cache.list(nodes)], taken = new Set(all.flatMap(({ object }) => object.spec?.podCIDR ?? []));
      const without = all.filter(({ object }) => !object.spec?.podCIDR),
        plan = planSubnets(podNetwork, taken, without.map(({ name }) => name));
      for (const node of without) {
        if (!plan.has(node.name)) {
          recorder.record(node, "Warning", "CIDRNotAvailable", `The pod network ${podNetwork} has no free subnet`);
        }
      }
      await Promise.all([...plan].map(([name, podCIDR]) =>
        registry.modify(nodes, { name }, (node) => {
          if (!node.spec?.podCIDR) node.spec = { ...node.spec, podCIDR, podCIDRs: [podCIDR] };
        })
      ));
    },
  };
}
