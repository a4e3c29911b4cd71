// One object as a node gets it. The bytes are made once per stored state and shared by all nodes; what does not concern a node (status, resourceVersion,
// managedFields, the times at which the fleet was last heard) is not in them, so that it changes no hash.
import type { ObjectMeta } from "../../shared/api/meta.ts";
import type { Endpoint, EndpointSlice } from "../../shared/api/kinds/endpoint_slice.ts";
import { annotations } from "../../shared/names.ts";
import { objectHash, type Rendered, secretHash, type SetObject } from "../../shared/wire/desired.ts";
import type { Stored } from "../registry/face.ts";

const ofTheFleet: readonly string[] = [
  annotations.observedAt,
  annotations.receivedAt,
  annotations.clockError,
  "kubectl.kubernetes.io/last-applied-configuration",
];

/** Fields in one fixed order: equal objects give equal bytes. */
export function renderMetadata(metadata: ObjectMeta): Rendered["metadata"] {
  const kept = Object.entries(metadata.annotations ?? {}).filter(([key]) => !ofTheFleet.includes(key));
  return {
    name: metadata.name!,
    ...(metadata.namespace && { namespace: metadata.namespace }),
    uid: metadata.uid!,
    ...(metadata.generation && { generation: metadata.generation }),
    ...(metadata.creationTimestamp && { creationTimestamp: metadata.creationTimestamp }),
    ...(metadata.deletionTimestamp && { deletionTimestamp: metadata.deletionTimestamp }),
    ...(metadata.deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds }),
    ...(metadata.labels && Object.keys(metadata.labels).length > 0 && { labels: sorted(metadata.labels) }),
    ...(kept.length > 0 && { annotations: sorted(Object.fromEntries(kept)) }),
    ...(metadata.ownerReferences && { ownerReferences: ordered(metadata.ownerReferences) as readonly unknown[] }),
  };
}

/** `parts`: the fields beside metadata that the node needs. */
export function renderObject(stored: Stored, parts: readonly string[]): SetObject {
  const object = stored.object as Record<string, unknown> & { metadata: ObjectMeta };
  const rendered: Record<string, unknown> = {
    apiVersion: apiVersion(stored.kind),
    kind: stored.kind.kind,
    metadata: renderMetadata(object.metadata),
  };
  for (const part of parts) if (object[part] !== undefined) rendered[part] = ordered(object[part]);
  return of(stored.uid, JSON.stringify(rendered));
}

/** Endpoints that a node of `reachable` can reach: those without a node, and those on one of these. */
export function renderSlice(stored: Stored<EndpointSlice>, reachable: (nodeName: string) => boolean): SetObject {
  const { metadata, addressType, ports, endpoints = [] } = stored.object;
  const here = endpoints.filter(({ nodeName }: Endpoint) => !nodeName || reachable(nodeName));
  const { name, namespace, uid, labels } = renderMetadata(metadata!);
  return of(
    stored.uid,
    JSON.stringify({
      apiVersion: apiVersion(stored.kind),
      kind: "EndpointSlice",
      metadata: { name, namespace, uid, labels },
      addressType,
      endpoints: ordered(here),
      ports: ordered(ports),
    }),
  );
}

/** A Secret goes by its resourceVersion: sealing is different each time, what is sealed is not. The body is sealed when it is sent. */
export function renderSecret(stored: Stored): SetObject {
  const body = renderObject(stored, ["type", "data"]).body;
  return { uid: stored.uid, hash: secretHash(stored.uid, String(stored.revision)), body };
}

/** By its first bytes: they are in one fixed order. */
export const isSecret = ({ body }: { readonly body: string }): boolean => body.startsWith('{"apiVersion":"v1","kind":"Secret"');

/** The same with the keys of every object sorted: a write of the status alone may leave those of the spec in another order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, item]) => [key, ordered(item)]));
}

const of = (uid: string, body: string): SetObject => ({ uid, hash: objectHash(body), body });
const apiVersion = ({ group, version }: { group: string; version: string }): string => group ? `${group}/${version}` : version;
const sorted = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => a < b ? -1 : 1));
