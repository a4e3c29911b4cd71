// The bridge that pods hang on: what it must look like, and which commands lead there. Pure.
//
// Three things that Podman alone gets wrong. The bridge takes the lowest hardware address of its ports, so it changes as pods come and go, and neighbours
// send to the old one for seconds: ours is fixed. Podman deletes the bridge with the last pod, and routes with it: a permanent port, one end of a veth pair,
// keeps it. And with br_netfilter a pod that calls itself through a service would have its packets sent back through the port they came from, which a bridge
// refuses unless the port is in hairpin mode; Podman makes a new port, without it, for each new sandbox.

export interface BridgeWanted {
  readonly bridge: string;
  readonly stub: readonly [port: string, peer: string];
  /** Address and prefix length: "10.42.7.1/24". */
  readonly gateway: string;
  /** Routed over the bridge: without a default route the host could not even begin to call a service, since routing comes before NAT. */
  readonly services: readonly string[];
  readonly hairpin: boolean;
}

/** A link as `ip -j -d addr show` prints it, as far as it is read here. */
export interface SeenLink {
  readonly ifname: string;
  readonly address?: string;
  readonly flags?: readonly string[];
  readonly master?: string;
  readonly linkinfo?: { readonly info_slave_data?: { readonly hairpin?: boolean } };
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}
/** A route of the bridge as `ip -j route show dev …` prints it. */
export interface SeenRoute {
  readonly dst: string;
  readonly prefsrc?: string;
}

/** Locally administered, and the same at every boot: 02:fe and the gateway's four bytes. */
export const bridgeAddress = (gateway: string): string =>
  ["02", "fe", ...gateway.split("/")[0]!.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"))].join(":");

/** Arguments of `ip`, one list a command, in order. Empty: all is well. */
export function planBridge(wanted: BridgeWanted, links: readonly SeenLink[], routes: readonly SeenRoute[]): string[][] {
  const { bridge, stub: [port, peer], gateway } = wanted, [address = "", length] = gateway.split("/");
  const seen = new Map(links.map((link) => [link.ifname, link])), commands: string[][] = [];
  const isUp = (link: SeenLink | undefined) => link?.flags?.includes("UP") === true;
  const mac = bridgeAddress(gateway), there = seen.get(bridge);
  if (!there) commands.push(["link", "add", bridge, "address", mac, "type", "bridge"]);
  else if (there.address !== mac) commands.push(["link", "set", "dev", bridge, "address", mac]);
  if (!there?.addr_info?.some(({ local, prefixlen }) => local === address && prefixlen === Number(length))) {
    commands.push(["addr", "replace", gateway, "dev", bridge]);
  }
  if (!isUp(there)) commands.push(["link", "set", "dev", bridge, "up"]);

  const stub = seen.get(port);
  if (!stub) commands.push(["link", "add", port, "type", "veth", "peer", "name", peer]);
  if (stub?.master !== bridge) commands.push(["link", "set", "dev", port, "master", bridge]);
  if (!isUp(stub)) commands.push(["link", "set", "dev", port, "up"]);
  if (!isUp(seen.get(peer))) commands.push(["link", "set", "dev", peer, "up"]);

  for (const link of links) {
    if (!wanted.hairpin || link.master !== bridge || link.ifname === port || link.linkinfo?.info_slave_data?.hairpin !== false) continue;
    commands.push(["link", "set", "dev", link.ifname, "type", "bridge_slave", "hairpin", "on"]);
  }
  for (const network of wanted.services) {
    if (routes.some(({ dst, prefsrc }) => dst === network && prefsrc === address)) continue;
    commands.push(["route", "replace", network, "dev", bridge, "src", address]);
  }
  return commands;
}

/** The first address of a pod network, and the network's length. @throws Error for what is no IPv4 network */
export function gatewayOf(podCidr: string): string {
  const [network = "", length = ""] = podCidr.split("/"), bytes = network.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255)) || !(Number(length) >= 8 && Number(length) <= 30)) {
    throw new Error(`Cannot use pod network ${podCidr}: expected an IPv4 network such as 10.42.7.0/24`);
  }
  bytes[3]!++;
  return `${bytes.join(".")}/${length}`;
}
