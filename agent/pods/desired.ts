// The desired set as the pods' part of the agent reads it: pods to run, and what they are made of. An object is parsed once per state that came.
import { Buffer } from "node:buffer";
import type { PodSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import type { ServiceSpec } from "../../shared/api/kinds/service.ts";
import { type DesiredSet, emptySet, type Rendered, type SetObject } from "../../shared/wire/desired.ts";
import { containerHash, sandboxHash } from "../../shared/wire/spec_hash.ts";
import { type Contents, Missing, type PodFacts, type Sources } from "../volumes/sources.ts";

export interface DesiredPod extends PodFacts {
  readonly generation: number;
  readonly createdAt: string | undefined;
  /** Of a pod that is to go: the seconds it may take. */
  readonly deletion: { readonly graceSeconds: number } | undefined;
  readonly sandboxHash: string;
  /** By container name. */
  readonly hashes: ReadonlyMap<string, string>;
}
export interface DesiredService {
  readonly name: string;
  readonly namespace: string;
  readonly spec: ServiceSpec;
}
/** Secret bodies come sealed; this opens one. By default they are taken for plain base64. */
export type Reveal = (secret: Rendered) => Readonly<Record<string, string>>;

const plain: Reveal = (secret) => (secret.data ?? {}) as Record<string, string>;

export class Desired implements Sources {
  readonly set: DesiredSet;
  readonly pods: ReadonlyMap<string, DesiredPod>;
  readonly services: readonly DesiredService[];
  /** Of the node's own object. Undefined until it came. */
  readonly podCIDR: string | undefined;
  readonly clusterDomain: string | undefined;
  readonly #parsed: ReadonlyMap<string, { readonly hash: string; readonly value: Rendered }>;
  readonly #contents = new Map<string, Rendered>();
  readonly #reveal: Reveal;

  /** `before` lends what it has parsed. */
  constructor(set: DesiredSet = emptySet, reveal: Reveal = plain, before?: Desired) {
    const parsed = new Map<string, { hash: string; value: Rendered }>(),
      pods = new Map<string, DesiredPod>(),
      services: DesiredService[] = [];
    let node: Rendered | undefined;
    for (const object of set.objects.values()) {
      const known = before === undefined ? undefined : before.#parsed.get(object.uid);
      const value = known?.hash === object.hash ? known.value : parse(object);
      if (value === undefined) continue;
      parsed.set(object.uid, { hash: object.hash, value });
      const { name, namespace = "" } = value.metadata;
      if (value.kind === "Pod") pods.set(object.uid, known?.value === value ? before!.pods.get(object.uid)! : desiredPod(value));
      else if (value.kind === "Service") services.push({ name, namespace, spec: (value.spec ?? {}) as ServiceSpec });
      else if (value.kind === "Node") node = value;
      else if (value.kind === "ConfigMap" || value.kind === "Secret") this.#contents.set(`${value.kind} ${namespace}/${name}`, value);
    }
    this.set = set;
    this.pods = pods;
    this.services = services;
    this.#parsed = parsed;
    this.#reveal = reveal;
    this.podCIDR = (node?.spec as { podCIDR?: string } | undefined)?.podCIDR;
    this.clusterDomain = (node?.cluster as { clusterDomain?: string } | undefined)?.clusterDomain;
  }

  /** All that its pods name. */
  get images(): Set<string> {
    const all = [...this.pods.values()].flatMap((
      { spec },
    ) => [...spec.containers, ...spec.initContainers ?? [], ...spec.ephemeralContainers ?? []]);
    return new Set(all.flatMap(({ image }) => image ?? []));
  }

  configMap(namespace: string, name: string): Contents | undefined {
    const found = this.#contents.get(`ConfigMap ${namespace}/${name}`);
    if (!found) return undefined;
    const { data = {}, binaryData = {} } = found as { data?: Record<string, string>; binaryData?: Record<string, string> };
    return new Map([
      ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text)] as const),
      ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, "base64")] as const),
    ]);
  }
  secret(namespace: string, name: string): Contents | undefined {
    const found = this.#contents.get(`Secret ${namespace}/${name}`);
    if (found === undefined) return undefined;
    try {
      return new Map(Object.entries(this.#reveal(found)).map(([key, text]) => [key, Buffer.from(text, "base64")]));
    } catch (cause) {
      throw new Missing(`secret "${name}" cannot be opened on this node`, { cause });
    }
  }
}

/** Undefined: not an object that can be read. What it says cannot be done; that it is in the set was acknowledged by hash. */
function parse(object: SetObject): Rendered | undefined {
  try {
    const value = JSON.parse(object.body) as Rendered;
    return typeof value?.kind === "string" && typeof value.metadata?.name === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

export function desiredPod({ metadata, spec }: Rendered): DesiredPod {
  const pod = spec as PodSpec;
  const containers = [...pod.initContainers ?? [], ...pod.containers, ...pod.ephemeralContainers ?? []];
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return {
    uid: metadata.uid,
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    generation: metadata.generation ?? 0,
    createdAt: metadata.creationTimestamp,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec: pod,
    deletion: deletionTimestamp === undefined
      ? undefined
      : { graceSeconds: deletionGracePeriodSeconds ?? pod.terminationGracePeriodSeconds ?? defaultGraceSeconds },
    sandboxHash: sandboxHash(metadata.name, pod),
    hashes: new Map(containers.map((container) => [container.name, containerHash(pod, container)])),
  };
}
/** Kubernetes' own, for pods that say nothing and for those nobody remembers. */
export const defaultGraceSeconds = 30;
