// What every table holds, whatever the services: sets and maps, and the chains that hang in the kernel's hooks and look into them. Pure.
//
// NAT stands just before iptables' and netavark's own (-101 and 99 against -100 and 100), so that ours is found first. What is refused is refused after
// NAT has had its chance: in input, forward and output, since kernels before 5.9 cannot reject in prerouting.
import { isIP } from "node:net";
import { nft } from "../../shared/names.ts";

/** The networks a node must know of. */
export interface Networks {
  /** CIDRs of all pods of the cluster, of this node's pods, and of service addresses; one or two families each. */
  readonly pods: readonly string[];
  readonly localPods: readonly string[];
  readonly services: readonly string[];
}
/** Sets and maps that have elements, by name: type and flags. */
export const elementSets: ReadonlyMap<string, string> = new Map([4, 6].flatMap((family) => {
  const address = `type ipv${family}_addr`, door = "inet_proto . inet_service : verdict";
  return [
    [`pod_cidr${family}`, `${address}; flags interval`], // networks
    [`local_pods${family}`, `${address}; flags interval`],
    [`svc_cidr${family}`, `${address}; flags interval`],
    [`cluster_ips${family}`, address],
    [`hairpin${family}`, `${address} . ipv${family}_addr`], // a pod twice: packets that come back to whom they came from
    [`svc${family}`, `${address} . ${door}`], // addresses that have endpoints …
    [`np${family}`, `type ${door}`], // … and node ports
    [`noep${family}`, `${address} . ${door}`], // those that have none
    [`noepnp${family}`, `type ${door}`],
    [`fw${family}`, `${address} . ${door}`], // those with source ranges
  ] as const;
}));

/** The kernel has one word for both, nft has two. */
export const setOrMap = (name: string): "set" | "map" => elementSets.get(name)?.endsWith("verdict") ? "map" : "set";

/** Their declarations, without elements. */
export const declarations: string = [...elementSets]
  .map(([name, spec]) => `  ${setOrMap(name)} ${name} { ${spec}; }\n`).join("");

/** The networks as elements: `[set, CIDR]`. */
export function* networkElements({ pods, localPods, services }: Networks): Iterable<readonly [set: string, cidr: string]> {
  for (const [name, cidrs] of [["pod_cidr", pods], ["local_pods", localPods], ["svc_cidr", services]] as const) {
    for (const cidr of cidrs) {
      const family = isIP(cidr.split("/")[0]!);
      if (family !== 0) yield [`${name}${family}`, cidr];
    }
  }
}

const fwmark = `0x${nft.fwmark.toString(16).padStart(8, "0")}`, others = `0x${(~nft.fwmark >>> 0).toString(16)}`;

/** A chain of the base; with a hook the kernel calls it, without one a rule does. */
export interface BaseChain {
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** The chains that every table has, whatever the services. */
export function baseChains(
  { bridge, bridgeNetfilter }: { readonly bridge: string; readonly bridgeNetfilter: boolean },
): ReadonlyMap<string, BaseChain> {
  // Without br_netfilter the bridge switches the answer between two of its pods past the NAT. Masquerading sends it this way.
  const switched = bridgeNetfilter ? [] : [`iifname "${bridge}" oifname "${bridge}" ct status dnat masquerade`];
  return new Map<string, BaseChain>([
    ["rej", { rules: ["meta l4proto tcp reject with tcp reset", "reject"] }],
    ["services", {
      rules: [
        "ip daddr . meta l4proto . th dport vmap @svc4",
        "ip6 daddr . meta l4proto . th dport vmap @svc6",
        "meta nfproto ipv4 fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @np4",
        "meta nfproto ipv6 fib daddr type local ip6 daddr != ::1 meta l4proto . th dport vmap @np6",
      ],
    }],
    ["noep", { rules: ["ip daddr . meta l4proto . th dport vmap @noep4", "ip6 daddr . meta l4proto . th dport vmap @noep6"] }],
    ["noep_np", {
      rules: [
        "meta nfproto ipv4 ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @noepnp4",
        "meta nfproto ipv6 ip6 daddr != ::1 meta l4proto . th dport vmap @noepnp6",
      ],
    }],
    ["fw", { rules: ["ip daddr . meta l4proto . th dport vmap @fw4", "ip6 daddr . meta l4proto . th dport vmap @fw6"] }],
    ["badport", {
      rules: [
        "ip daddr @cluster_ips4 goto rej",
        "ip6 daddr @cluster_ips6 goto rej",
        "ip daddr @svc_cidr4 drop",
        "ip6 daddr @svc_cidr6 drop",
      ],
    }],
    ["filter_prerouting", { hook: "type filter hook prerouting priority -110", rules: ["ct state new jump fw"] }],
    ["filter_input", { hook: "type filter hook input priority -110", rules: ["ct state new jump noep_np", "ct state new jump noep"] }],
    ["filter_forward", { hook: "type filter hook forward priority -110", rules: ["ct state new jump noep", "ct state new jump badport"] }],
    ["filter_output", { hook: "type filter hook output priority -110", rules: ["ct state new jump noep", "ct state new jump fw"] }],
    ["filter_output_post", { hook: "type filter hook output priority -90", rules: ["ct state new jump badport"] }],
    ["nat_prerouting", { hook: "type nat hook prerouting priority -101", rules: ["jump services"] }],
    ["nat_output", { hook: "type nat hook output priority -101", rules: ["jump services"] }],
    ["nat_postrouting", {
      hook: "type nat hook postrouting priority 99",
      rules: [
        ...switched,
        "ip saddr . ip daddr @hairpin4 ct status dnat masquerade fully-random",
        "ip6 saddr . ip6 daddr @hairpin6 ct status dnat masquerade fully-random",
        `meta mark & ${fwmark} != 0 meta mark set meta mark & ${others} masquerade fully-random`,
        // To itself: the connection counts as translated, and netavark's masquerade (at 100) leaves the pod's address alone.
        "ip saddr @pod_cidr4 ip daddr @pod_cidr4 snat ip to ip saddr",
        "ip6 saddr @pod_cidr6 ip6 daddr @pod_cidr6 snat ip6 to ip6 saddr",
      ],
    }],
  ]);
}
/** Their names: the same, whatever the options. */
export const baseNames: ReadonlySet<string> = new Set(baseChains({ bridge: "", bridgeNetfilter: true }).keys());
