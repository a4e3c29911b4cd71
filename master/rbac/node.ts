// What a node may do by its name alone, as upstream's node authorizer has it: with its Node, its Lease and the pods bound to it, with what these pods name, and no more.
// Ours need none of it, since all goes through their one connection: so what upstream's kubelet reads of the whole cluster (Services, other Nodes) is not given.
// What exactly they write, admission says (registry/policies/node_restriction.ts).
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { references } from "../../shared/api/kinds/pod/references.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import type { Attributes, ResourceAttributes } from "./user.ts";

/** What it must know of the cluster. */
export type NodeView = Pick<Cache, "get" | "byField">;
const read = ["get", "list", "watch"], written = ["update", "patch"];

export function ownedByNode(node: string, wanted: Attributes, view: NodeView): boolean {
  if ("path" in wanted) return false;
  const { verb, group, resource, subresource = "", namespace = "", name = "" } = wanted,
    isOwn = name === node || selects(wanted, "metadata.name", node);
  switch (`${group}/${resource}`) {
    case "/nodes":
      return isOwn && (subresource === "" ? [...read, ...written] : subresource === "status" ? written : []).includes(verb);
    case "coordination.k8s.io/leases":
      // A name is not known yet where one is created: admission looks at it.
      return subresource === "" && namespace === "kube-node-lease" &&
        (verb === "create" ? name === "" || isOwn : isOwn && [...read, ...written, "delete"].includes(verb));
    case "/pods": {
      if (subresource === "" && verb !== "get" && read.includes(verb)) return selects(wanted, "spec.nodeName", node);
      const verbs = { "": ["get", "delete"], status: written, eviction: ["create"] }[subresource] ?? [];
      return verbs.includes(verb) && view.get(pods, namespace, name)?.object.spec?.nodeName === node;
    }
    case "/serviceaccounts":
      return (subresource === "" ? verb === "get" : subresource === "token" && verb === "create") &&
        some(view, node, namespace, ({ spec }) => (spec?.serviceAccountName ?? "default") === name);
    case "/configmaps":
    case "/secrets": {
      const one = name || selectedName(wanted), which = resource === "secrets" ? "secrets" : "configMaps";
      return subresource === "" && read.includes(verb) && one !== "" &&
        some(view, node, namespace, ({ spec }) => spec !== undefined && references(spec)[which].has(one));
    }
    case "/events":
    case "events.k8s.io/events":
      return subresource === "" && ["create", ...written].includes(verb);
    default:
      return false;
  }
}

const selects = ({ fieldSelector }: ResourceAttributes, field: string, value: string): boolean =>
  fieldSelector?.split(",").some((part) => part === `${field}=${value}`) ?? false;
const selectedName = ({ fieldSelector = "" }: ResourceAttributes): string =>
  /(?:^|,)metadata\.name=([^,=!]+)(?:,|$)/.exec(fieldSelector)?.[1] ?? "";

function some(view: NodeView, node: string, namespace: string, holds: (pod: Pod) => boolean): boolean {
  for (const pod of view.byField(pods, "spec.nodeName", node) as Iterable<Stored<Pod>>) {
    if (pod.namespace === namespace && holds(pod.object)) return true;
  }
  return false;
}
