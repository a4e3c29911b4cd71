// The API as a Service: "kubernetes" in "default", with the addresses under which masters can be reached. Nobody selects its endpoints; they are these.
import { type Endpoints, endpoints } from "../../shared/api/kinds/endpoints.ts";
import { type EndpointSlice, endpointSlices, serviceNameLabel } from "../../shared/api/kinds/endpoint_slice.ts";
import { type Service, services } from "../../shared/api/kinds/service.ts";
import { routableAddress } from "../../shared/api/ip.ts";
import type { Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";

const namespace = "default", name = "kubernetes", key = { namespace, name };

/** Where the API answers. */
export interface ApiEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Pure. The slice's family is IPv4, so are its addresses; a loopback is no address for others. */
export function planKubernetesService(all: readonly ApiEndpoint[]): { service: Service; endpoints: Endpoints; slice: EndpointSlice } {
  const shown = all.filter(({ address }) => !address.includes(":") && routableAddress(address).length === 0);
  const port = { name: "https", protocol: "TCP", port: shown[0]?.port ?? 6443 } as const;
  const addresses = [...new Set(shown.filter((shown) => shown.port === port.port).map(({ address }) => address))].sort();
  const labels = { component: "apiserver", provider: "kubernetes" };
  return {
    service: {
      metadata: { ...key, labels },
      spec: { type: "ClusterIP", ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: port.port }] },
    } as Service,
    endpoints: {
      metadata: { ...key, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
      ...(addresses.length > 0 && { subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [port] }] }),
    } as Endpoints,
    slice: {
      metadata: { ...key, labels: { [serviceNameLabel]: name } },
      addressType: "IPv4",
      ports: [port],
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    } as EndpointSlice,
  };
}

export function kubernetesServiceController(api: readonly ApiEndpoint[]): Controller {
  const wanted = planKubernetesService(api);
  return {
    name: "kubernetes-service",
    *keysOf({ kind, before, after }) {
      const found = (after ?? before)!;
      if (found.name === name && found.namespace === namespace && ["services", "endpoints", "endpointslices"].includes(kind.plural)) {
        yield name;
      }
    },
    *allKeys() {
      yield name;
    },
    async reconcile(_key, { cache, registry }) {
      // What a new master advertises replaces what an older one did; the rest (cluster IP, labels of others) stays.
      if (!cache.get(services, namespace, name)) await registry.create(services, wanted.service).catch(unless("AlreadyExists"));
      else await registry.modify(services, key, (object) => void (object.spec = { ...object.spec, ports: wanted.service.spec!.ports! }));
      if (!cache.get(endpoints, namespace, name)) await registry.create(endpoints, wanted.endpoints).catch(unless("AlreadyExists"));
      else {await registry.modify(endpoints, key, (object) => {
          if (wanted.endpoints.subsets) object.subsets = wanted.endpoints.subsets;
          else delete object.subsets;
        });}
      if (!cache.get(endpointSlices, namespace, name)) await registry.create(endpointSlices, wanted.slice).catch(unless("AlreadyExists"));
      else {
        await registry.modify(endpointSlices, key, (object) => {
          object.endpoints = wanted.slice.endpoints!;
          object.ports = wanted.slice.ports!;
        });
      }
    },
  };
}
