// What a pod's volumes and variables are made of, as the node's desired set has it. Bytes, because both kinds hold bytes.
import type { PodSpec } from "../../shared/api/kinds/pod/pod_spec.ts";

export type Contents = ReadonlyMap<string, Uint8Array>;
export interface Sources {
  /** Undefined: the set has no such object. */
  configMap(namespace: string, name: string): Contents | undefined;
  /** Opened for this call; whoever gets it keeps it in memory or in a file system in memory. */
  secret(namespace: string, name: string): Contents | undefined;
}

/** What a pod may ask about itself. */
export interface PodFacts {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}
/** What it may ask about where it runs. */
export interface Place {
  readonly nodeName: string;
  readonly hostIP: string;
  /** Of the node: limits that a container does not have are the node's. */
  readonly allocatable: { readonly cpu: string; readonly memory: string; readonly "ephemeral-storage": string };
  /** Undefined as long as the pod has no sandbox. */
  readonly podIP: string | undefined;
}

/** Something the pod refers to is not there, or cannot be had on this node. The message is for whoever wrote the pod. */
export class Missing extends Error {
  override name = "Missing";
}
