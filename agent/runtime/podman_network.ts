// The Podman network that pods hang on. The bridge's MAC address, its permanent port and hairpin mode are agent/network's.
import { existsSync } from "node:fs";
import { NetworksApi } from "podman-api-client";
import type { PodmanTransport } from "./podman_transport.ts";
import { RuntimeError } from "./runtime.ts";

export interface PodmanNetwork {
  readonly name: string;
  readonly bridge: string;
  readonly subnet: string; // "10.42.7.0/24"
  readonly gateway: string;
  readonly mtu: number;
}

/** Makes the network if it is not there. One that differs is replaced, if no container uses it. @throws RuntimeError AlreadyExists if the bridge's link stands there without it */
export async function ensureNetwork(transport: PodmanTransport, wanted: PodmanNetwork): Promise<void> {
  const networks = new NetworksApi(transport.with());
  const existing = await networks.inspect(wanted.name);
  if (existing !== null) {
    if (same(existing, wanted)) return;
    await networks.remove(wanted.name);
  }
  const request = {
    name: wanted.name,
    driver: "bridge",
    network_interface: wanted.bridge,
    dns_enabled: false, // the agent answers DNS; aardvark knows only container names
    ipv6_enabled: false,
    subnets: [{ subnet: wanted.subnet, gateway: wanted.gateway }],
    options: { mtu: String(wanted.mtu) },
    ipam_options: { driver: "host-local" },
  };
  try {
    await networks.create(request as never);
  } catch (error) {
    if (!existsSync(`/sys/class/net/${wanted.bridge}`)) throw error;
    const why = `link ${wanted.bridge} is there without it. Remove it (ip link delete ${wanted.bridge}) and try again`;
    throw new RuntimeError("AlreadyExists", `Cannot make network ${wanted.name}: ${why}`, { cause: error });
  }
}

function same(existing: unknown, wanted: PodmanNetwork): boolean {
  const { network_interface, subnets, options } = existing as {
    network_interface?: string;
    subnets?: { subnet?: string; gateway?: string }[];
    options?: { mtu?: string };
  };
  return network_interface === wanted.bridge && subnets?.length === 1 && subnets[0]?.subnet === wanted.subnet &&
    subnets[0].gateway === wanted.gateway && options?.mtu === String(wanted.mtu);
}
