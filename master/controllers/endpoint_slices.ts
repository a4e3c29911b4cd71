// EndpointSlices: the endpoints of a Service in slices of one port list and at most so many endpoints each. A slice's name follows from what it is for, so
// that the same slice is changed rather than a second one made.
import { type EndpointSlice, endpointSlices, managedByLabel, serviceNameLabel } from "../../shared/api/kinds/endpoint_slice.ts";
import { services } from "../../shared/api/kinds/service.ts";
import { sliceEndpoints } from "../../shared/limits.ts";
import { prefix } from "../../shared/names.ts";
import type { Stored } from "../registry/face.ts";
import { type Controller, keyOf, splitKey } from "./controller.ts";
import { isKept, podsBehind, servicesTouched, type StoredService, type Target } from "./endpoint_targets.ts";
import { nameHash, ownerReference } from "./pods_of.ts";
import { unless } from "./expected_errors.ts";

const manager = `endpointslice-controller.${prefix.slice(0, -1)}`;

/** Pure: the slices there should be. One without endpoints stands for a Service that nobody serves. */
export function planSlices(service: StoredService, targets: readonly Target[]): EndpointSlice[] {
  const groups = new Map<string, Target[]>();
  for (const target of targets) {
    const key = JSON.stringify(target.ports);
    groups.set(key, [...groups.get(key) ?? [], target]);
  }
  if (groups.size === 0) groups.set("[]", []);
  // Named by its place, not by its content: while nobody serves, and when the ports change, it is still the same slice.
  return [...groups].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([ports, group], place) => {
    const count = Math.max(1, Math.ceil(group.length / sliceEndpoints));
    return Array.from(
      { length: count },
      (_, i) => slice(service, JSON.parse(ports), group.slice(i * sliceEndpoints, (i + 1) * sliceEndpoints), `${place} ${i}`),
    );
  });
}

function slice(service: StoredService, ports: EndpointSlice["ports"], targets: readonly Target[], purpose: string): EndpointSlice {
  const headless = service.object.spec?.clusterIP === "None";
  return {
    metadata: {
      name: `${service.name.slice(0, 57)}-${nameHash(`${service.uid} ${purpose}`, 5)}`,
      namespace: service.namespace,
      labels: {
        ...service.labels,
        [serviceNameLabel]: service.name,
        [managedByLabel]: manager,
        ...(headless && { "service.kubernetes.io/headless": "" }),
      },
      ownerReferences: [ownerReference(service)],
    },
    addressType: "IPv4",
    ports,
    endpoints: targets.map(({ pod, address, ready, serving, terminating }) => ({
      addresses: [address],
      conditions: { ready, serving, terminating },
      ...(pod.object.spec?.hostname && pod.object.spec.subdomain === service.name && { hostname: pod.object.spec.hostname }),
      targetRef: { kind: "Pod", namespace: pod.namespace, name: pod.name, uid: pod.uid },
      ...(pod.object.spec?.nodeName && { nodeName: pod.object.spec.nodeName }),
    })),
  } as EndpointSlice;
}

export const endpointSliceController: Controller = {
  name: "endpointslice",
  *keysOf(change, cache) {
    yield* servicesTouched(change, cache);
    const { kind, before, after } = change, found = after ?? before!;
    if (kind.plural === "endpointslices" && found.labels[managedByLabel] === manager) {
      yield `${found.namespace}/${found.labels[serviceNameLabel]}`;
    }
  },
  *allKeys(cache) {
    for (const service of cache.list(services)) yield keyOf(service);
  },
  async reconcile(key, { cache, registry }) {
    const { namespace, name } = splitKey(key), service = cache.get(services, namespace, name);
    if (!service || service.deleting || !isKept(service)) return; // what it owned goes with it
    const wanted = new Map(planSlices(service, podsBehind(service, cache)).map((slice) => [slice.metadata!.name!, slice]));
    const there = [...cache.owned(service.uid)].filter(({ kind, labels }) =>
      kind.plural === "endpointslices" && labels[managedByLabel] === manager
    ) as unknown as Stored<EndpointSlice>[];
    const work: Promise<unknown>[] = [];
    for (const slice of there) {
      const next = wanted.get(slice.name);
      wanted.delete(slice.name);
      if (!next) {
        work.push(registry.delete(endpointSlices, slice, { preconditions: { uid: slice.uid } }).catch(unless("NotFound", "Conflict")));
      } else {
        work.push(registry.modify(endpointSlices, slice, (object) => {
          object.endpoints = next.endpoints ?? [];
          object.ports = next.ports ?? [];
          object.metadata!.labels = next.metadata!.labels!;
        }));
      }
    }
    for (const slice of wanted.values()) work.push(registry.create(endpointSlices, slice).catch(unless("AlreadyExists")));
    await Promise.all(work);
  },
};
