// Which pods stand behind a Service, and on which ports. Pure; Endpoints and EndpointSlices are two spellings of the answer.
import type { EndpointPort } from "../../shared/api/kinds/endpoint_slice.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import type { Service, ServicePort } from "../../shared/api/kinds/service.ts";
import { services } from "../../shared/api/kinds/service.ts";
import { fromMap, matchLabels } from "../../shared/api/selector.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import { keyOf } from "./controller.ts";
import { isReady, type StoredPod } from "./pods_of.ts";

export type StoredService = Stored<Service>;

export interface Target {
  readonly pod: StoredPod;
  readonly address: string;
  /** Should it get traffic? */
  readonly ready: boolean;
  /** Does it answer, whether or not it is about to end? */
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly ports: readonly EndpointPort[];
}

/** A node that is cut off has not stopped serving those on its own side: what was ready when it was last heard stays an endpoint there. */
const servesUnseen = ({ object }: StoredPod): boolean =>
  object.status?.conditions?.some(({ type, status, reason }) =>
      type === "Ready" && status === "Unknown" && reason === "NodeUnreachable"
    ) === true &&
  (object.status.containerStatuses ?? []).every(({ ready }) => ready);

export function targetsOf(service: StoredService, candidates: Iterable<StoredPod>): Target[] {
  const { selector, ports = [], publishNotReadyAddresses } = service.object.spec!, rules = fromMap(selector), targets: Target[] = [];
  for (const pod of candidates) {
    const { status } = pod.object, address = status?.podIP;
    if (!address || !matchLabels(rules, pod.labels) || status.phase === "Succeeded" || status.phase === "Failed") continue;
    const serving = isReady(pod) || servesUnseen(pod);
    const resolved = ports.flatMap((port) => {
      const number = targetPort(port, pod);
      return number === undefined ? [] : [
        {
          name: port.name ?? "",
          protocol: port.protocol ?? "TCP",
          port: number,
          ...(port.appProtocol && { appProtocol: port.appProtocol }),
        } as EndpointPort,
      ];
    });
    if (ports.length > 0 && resolved.length === 0) continue; // it has none of the named ports
    const ready = publishNotReadyAddresses === true || (serving && !pod.deleting);
    targets.push({ pod, address, ready, serving, terminating: pod.deleting, ports: resolved });
  }
  return targets.sort((a, b) => a.address < b.address ? -1 : 1);
}

/** A number is itself; a name is looked up among the pod's container ports. */
export function targetPort({ targetPort, port, protocol }: ServicePort, pod: StoredPod): number | undefined {
  if (typeof targetPort === "number") return targetPort || port;
  if (targetPort === undefined || targetPort === "") return port;
  for (const container of [...pod.object.spec?.containers ?? [], ...pod.object.spec?.initContainers ?? []]) {
    const found = container.ports?.find((candidate) =>
      candidate.name === targetPort && (candidate.protocol ?? "TCP") === (protocol ?? "TCP")
    );
    if (found) return found.containerPort;
  }
  return undefined;
}

export const podsBehind = (service: StoredService, cache: Cache): Target[] => targetsOf(service, cache.list(pods, service.namespace));

/** Without a selector somebody else keeps the endpoints; a name for something outside has none. */
export const isKept = ({ object: { spec } }: StoredService): boolean =>
  spec?.type !== "ExternalName" && Object.keys(spec?.selector ?? {}).length > 0;

/** Services whose endpoints a change may touch. */
export function* servicesTouched({ kind, before, after }: Change, cache: Cache): Iterable<string> {
  if (kind.group === "" && kind.plural === "services") yield keyOf((after ?? before)!);
  if (kind.group !== "" || kind.plural !== "pods") return;
  const namespace = (after ?? before)!.namespace;
  for (const service of cache.list(services, namespace)) {
    if (!isKept(service)) continue;
    const rules = fromMap(service.object.spec!.selector);
    if ([before, after].some((pod) => pod && matchLabels(rules, pod.labels))) yield keyOf(service);
  }
}
