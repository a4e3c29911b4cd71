// What a node says of itself, as NodeStatus. Pure. Whether it is Ready the master says: it alone knows whether the node is heard.
import type { ContainerImage, NodeCondition, NodeStatus } from "../../shared/api/kinds/node.ts";
import { nodeImages, podsPerNode } from "../../shared/limits.ts";
import type { Pressure } from "./pressure.ts";

/** What stays as it is until the machine boots again. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly architecture: string; // "amd64", "arm64", "arm"
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly engineVersion: string; // "podman://4.3.1"
  readonly agentVersion: string;
}
/** What changes. */
export interface MachineLoad extends Pressure {
  readonly diskBytes: number;
  /** Undefined: the container engine answers. */
  readonly engineError: string | undefined;
  readonly images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
}

/** Kept from pods: what the agent, Podman and the system need of a small board. */
const reserved = { memoryShare: 0.1, mostMemoryBytes: 256 * 1024 * 1024, diskShare: 0.1 };

export function resources(facts: Pick<MachineFacts, "cpus" | "memoryBytes">, diskBytes: number) {
  const kept = Math.min(facts.memoryBytes * reserved.memoryShare, reserved.mostMemoryBytes),
    kibibytes = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;
  const capacity = {
    cpu: String(facts.cpus),
    memory: kibibytes(facts.memoryBytes),
    "ephemeral-storage": kibibytes(diskBytes),
    pods: String(podsPerNode),
  };
  const allocatable = {
    ...capacity,
    memory: kibibytes(facts.memoryBytes - kept),
    "ephemeral-storage": kibibytes(diskBytes * (1 - reserved.diskShare)),
  };
  return { capacity, allocatable };
}

/** @param before the conditions last said: a transition has a time, what stays as it was keeps its own */
export function nodeStatus(facts: MachineFacts, load: MachineLoad, before: readonly NodeCondition[], now: number): NodeStatus {
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  const condition = (type: string, value: boolean, reason: string, message: string): NodeCondition => {
    const status = value ? "True" : "False", had = before.find((found) => found.type === type);
    if (had?.status === status && had.reason === reason && had.message === message) return had;
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: time,
      lastTransitionTime: had?.status === status ? had.lastTransitionTime ?? time : time,
    };
  };
  const { memoryPressure, diskPressure, pidPressure, engineError } = load;
  return {
    ...resources(facts, load.diskBytes),
    conditions: [
      memoryPressure
        ? condition("MemoryPressure", true, "NodeHasInsufficientMemory", "Memory is short.")
        : condition("MemoryPressure", false, "NodeHasSufficientMemory", "Memory suffices."),
      diskPressure
        ? condition("DiskPressure", true, "NodeHasDiskPressure", "Disk space is short.")
        : condition("DiskPressure", false, "NodeHasNoDiskPressure", "Disk space suffices."),
      pidPressure
        ? condition("PIDPressure", true, "NodeHasInsufficientPID", "Process ids are short.")
        : condition("PIDPressure", false, "NodeHasSufficientPID", "Process ids suffice."),
      engineError === undefined
        ? condition("RuntimeReady", true, "RuntimeAnswers", "The container engine answers.")
        : condition("RuntimeReady", false, "RuntimeUnavailable", engineError),
    ],
    addresses: [...facts.addresses.map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: facts.hostname }],
    images: shown(load.images),
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.systemUuid,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion: facts.engineVersion,
      kubeletVersion: `v${facts.agentVersion}-skerry`,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: facts.architecture,
    },
  } as NodeStatus;
}

/** The largest, in one order: the list is bounded, and must not change unless the images do. */
const shown = (images: MachineLoad["images"]): ContainerImage[] =>
  images.filter(({ names }) => names.length > 0)
    .map(({ names, sizeBytes }) => ({ names: [...names].sort().slice(0, namesOfImage), sizeBytes }))
    .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.names[0]! < b.names[0]! ? -1 : 1))
    .slice(0, nodeImages);
/** Kubernetes' own. */
const namesOfImage = 5;
