// Endpoints: the older spelling of a Service's endpoints, one object by the Service's name. For clients that still read it.
import { type Endpoints, endpoints } from "../../shared/api/kinds/endpoints.ts";
import { services } from "../../shared/api/kinds/service.ts";
import { endpointsAddresses } from "../../shared/limits.ts";
import { type Controller, keyOf, splitKey } from "./controller.ts";
import { isKept, podsBehind, servicesTouched, type StoredService, type Target } from "./endpoint_targets.ts";
import { ownerReference } from "./pods_of.ts";

const overCapacity = "endpoints.kubernetes.io/over-capacity";

/** Pure. Addresses with the same ports share a subset; what is not ready stands apart. */
export function planEndpoints(service: StoredService, targets: readonly Target[]): Endpoints {
  const kept = targets.filter(({ terminating, ready }) => ready || !terminating),
    shown = kept.slice(0, endpointsAddresses),
    groups = new Map<string, Target[]>();
  for (const target of shown) {
    const key = JSON.stringify(target.ports);
    groups.set(key, [...groups.get(key) ?? [], target]);
  }
  const address = ({ pod, address }: Target) => ({
    ip: address,
    ...(pod.object.spec?.nodeName && { nodeName: pod.object.spec.nodeName }),
    targetRef: { kind: "Pod", namespace: pod.namespace, name: pod.name, uid: pod.uid },
  });
  const subsets = [...groups].map(([ports, group]) => {
    const ready = group.filter(({ ready }) => ready).map(address), notReady = group.filter(({ ready }) => !ready).map(address);
    return {
      ...(ready.length > 0 && { addresses: ready }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ports: JSON.parse(ports),
    };
  });
  return {
    metadata: {
      name: service.name,
      namespace: service.namespace,
      labels: { ...service.labels },
      ...(kept.length > shown.length && { annotations: { [overCapacity]: "truncated" } }),
      ownerReferences: [ownerReference(service)],
    },
    ...(subsets.length > 0 && { subsets }),
  } as Endpoints;
}

export const endpointsController: Controller = {
  name: "endpoints",
  *keysOf(change, cache) {
    yield* servicesTouched(change, cache);
    if (change.kind.plural === "endpoints") yield keyOf((change.after ?? change.before)!);
  },
  *allKeys(cache) {
    for (const service of cache.list(services)) yield keyOf(service);
  },
  async reconcile(key, { cache, registry }) {
    const { namespace, name } = splitKey(key), service = cache.get(services, namespace, name);
    if (!service || service.deleting || !isKept(service)) return;
    const wanted = planEndpoints(service, podsBehind(service, cache));
    if (!cache.get(endpoints, namespace, name)) return void await registry.create(endpoints, wanted);
    await registry.modify(endpoints, { namespace, name }, (object) => {
      if (wanted.subsets) object.subsets = wanted.subsets;
      else delete object.subsets;
      object.metadata!.labels = wanted.metadata!.labels!;
    });
  },
};
