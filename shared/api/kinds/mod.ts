// The registry of kinds: one import and one array entry per kind. The only barrel in the house.
import type { Kind } from "../resource.ts";
import { configMaps } from "./configmap.ts";
import { controllerRevisions } from "./controller_revision.ts";
import { daemonSets } from "./daemonset.ts";
import { deployments } from "./deployment.ts";
import { endpoints } from "./endpoints.ts";
import { endpointSlices } from "./endpoint_slice.ts";
import { events } from "./event.ts";
import { leases } from "./lease.ts";
import { namespaces } from "./namespace.ts";
import { nodes } from "./node.ts";
import { pods } from "./pod.ts";
import { replicaSets } from "./replicaset.ts";
import { secrets } from "./secret.ts";
import { services } from "./service.ts";
import { serviceAccounts } from "./service_account.ts";

/** In discovery order, which is the order of `kubectl get all`. */
export const kinds: readonly Kind[] = [
  // v1
  pods,
  services,
  namespaces,
  nodes,
  configMaps,
  secrets,
  serviceAccounts,
  endpoints,
  events,
  // apps/v1
  deployments,
  replicaSets,
  daemonSets,
  controllerRevisions,
  // coordination.k8s.io/v1
  leases,
  // discovery.k8s.io/v1
  endpointSlices,
] as never;

const byPath = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));
/** The kind behind a path such as /apis/apps/v1/…/deployments; group "" is core. */
export const kindOf = (group: string, version: string, plural: string): Kind | undefined => byPath.get(`${group}/${version}/${plural}`);
