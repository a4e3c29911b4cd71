// The names that devices remember. They stand on cards in pumping stations: none of them ever changes.

export const group = "fleet.skerry.dev";
/** Prefix of our labels, annotations, resources, finalizers, taints and signers. */
export const prefix = "skerry.dev/";

export const annotations = {
  observedAt: `${prefix}observed-at`,
  receivedAt: `${prefix}received-at`,
  clockError: `${prefix}clock-error`,
  partition: `${prefix}partition`,
  joinKey: `${prefix}join-key`,
  wishedName: `${prefix}wished-name`,
  stateHash: `${prefix}state-hash`,
} as const;
export const labels = { site: `${prefix}site` } as const;
export const signers = { node: `${prefix}node` } as const;

/** Labels of every container and sandbox that the agent makes. */
export const containerLabels = {
  podUid: "dev.skerry.pod-uid",
  podNamespace: "dev.skerry.pod-namespace",
  podName: "dev.skerry.pod-name",
  container: "dev.skerry.container",
  attempt: "dev.skerry.attempt",
  specHash: "dev.skerry.spec-hash",
  format: "dev.skerry.format",
} as const;
/** Value of the format label: what an agent must understand to adopt the container. */
export const containerFormat = "1";

/** `sk_<namespace>_<pod>_<uid8>_<container>_<attempt>`; a sandbox has no container and no attempt. */
export function containerName(pod: { namespace: string; name: string; uid: string }, container?: string, attempt?: number): string {
  const head = `sk_${pod.namespace}_${pod.name}_${pod.uid.slice(0, 8)}`;
  return container === undefined ? head : `${head}_${container}_${attempt ?? 0}`;
}

export const nft = { family: "inet", table: "skerry", fwmark: 0x00100000 } as const;
export const links = { bridge: "skerry0", stub: ["skerry-s0", "skerry-s1"], vxlan: "skerry-vx" } as const;
/** Name of the Podman network whose bridge is `links.bridge`. */
export const podmanNetwork = "skerry";

export const paths = { etc: "/etc/skerry", data: "/var/lib/skerry", run: "/run/skerry" } as const;
export const agentUnit = "skerry-agent.service";
export const cardFile = "skerry.json";
