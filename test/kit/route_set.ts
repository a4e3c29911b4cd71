// Desired sets with services in them, as a master renders them.
import { serviceNameLabel } from "../../shared/api/kinds/endpoint_slice.ts";
import { type DesiredSet, objectHash, setHash } from "../../shared/wire/desired.ts";

export interface TestPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: "TCP" | "UDP";
  readonly nodePort?: number;
  /** On the pods. */
  readonly target: number;
}
export interface TestEndpoint {
  readonly address: string;
  readonly node?: string;
  readonly uid?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}
export interface TestService {
  readonly name: string;
  readonly ip: string;
  readonly ports: readonly TestPort[];
  readonly endpoints: readonly TestEndpoint[];
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}
const hashed = (object: { metadata: { uid: string } }) => {
  const body = JSON.stringify(object);
  return [object.metadata.uid, { uid: object.metadata.uid, hash: objectHash(body), body }] as const;
};

export function routeSet(
  services: readonly TestService[],
  node = { name: "n1", podCIDR: "10.201.1.0/24", podNetwork: "10.201.0.0/16", serviceNetwork: "10.202.0.0/16" },
): DesiredSet {
  const { name, podCIDR, podNetwork, serviceNetwork } = node;
  const objects = new Map([
    hashed(
      {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, uid: "node" },
        spec: { podCIDR },
        cluster: { podNetwork, serviceNetwork },
      } as never,
    ),
    hashed({ apiVersion: "v1", kind: "Pod", metadata: { name: "other", namespace: "default", uid: "pod" } } as never),
    ...services.flatMap(({ name, ip, ports, endpoints, spec, status }) => [
      hashed({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "default", uid: `s-${name}` },
        spec: {
          type: "ClusterIP",
          clusterIP: ip,
          clusterIPs: [ip],
          ports: ports.map(({ name = "", port, protocol = "TCP", nodePort }) => ({ name, port, protocol, ...(nodePort && { nodePort }) })),
          ...spec,
        },
        ...(status && { status }),
      } as never),
      hashed({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: `${name}-x`, namespace: "default", uid: `e-${name}`, labels: { [serviceNameLabel]: name } },
        addressType: ip.includes(":") ? "IPv6" : "IPv4",
        ports: ports.map(({ name = "", protocol = "TCP", target }) => ({ name, protocol, port: target })),
        endpoints: endpoints.map(({ address, node = "n1", uid, ready = true, serving = ready, terminating = false }) => ({
          addresses: [address],
          conditions: { ready, serving, terminating },
          nodeName: node,
          ...(uid && { targetRef: { kind: "Pod", uid } }),
        })),
      } as never),
    ]),
  ]);
  return { epoch: "e", gen: 1, hash: setHash(objects.values()), objects };
}
