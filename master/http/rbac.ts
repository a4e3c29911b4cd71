// May you? One rule for now: administrators may do everything, a node may read what is its own, everybody who is known may discover.
import type { RequestInfo } from "./request.ts";

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Kubernetes' own names: clients, certificates and role bindings carry them. */
export const admins = "system:masters";
export const authenticated = "system:authenticated";
export const unauthenticated = "system:unauthenticated";
export const nodes = "system:nodes";
const nodePrefix = "system:node:";
export const anonymous: User = { name: "system:anonymous", groups: [unauthenticated] };

/** What somebody wants to do, in the words of a SubjectAccessReview. */
export type Attributes =
  | {
    readonly verb: string;
    readonly group: string;
    readonly version?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    /** The field selector of a list or watch, as sent. */
    readonly fieldSelector?: string;
  }
  | { readonly verb: string; readonly path: string };
export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Paths that tell nothing but whether we are well: for load balancers and for a client that looks for us. */
const publicPaths = /^\/(healthz|livez|readyz|version)(\/.*)?$/;
const discoveryPaths = /^\/(api|apis|openapi|healthz|livez|readyz|version)(\/.*)?$|^\/$/;
/** Reviews in which one asks about oneself. */
const selfReviews = new Set(["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"]);

const allow = (reason: string): Decision => ({ allowed: true, reason });
const deny: Decision = { allowed: false, reason: "" };

/** Pure, so that access reviews give the same answer as the requests they ask about. */
export function authorize(user: User, wanted: Attributes): Decision {
  if (user.groups.includes(admins)) return allow(`group ${admins} may do everything`);
  if ("path" in wanted) {
    if (wanted.verb !== "get" && wanted.verb !== "head") return deny;
    if (publicPaths.test(wanted.path)) return allow("public");
    return user.groups.includes(authenticated) && discoveryPaths.test(wanted.path) ? allow("discovery is open to everybody known") : deny;
  }
  if (user.groups.includes(authenticated) && wanted.verb === "create" && selfReviews.has(wanted.resource)) {
    return allow("everybody may ask about themselves");
  }
  const node = nodeName(user);
  return node !== undefined && ownedByNode(node, wanted) ? allow(`node ${node} may read its own objects`) : deny;
}

/** The node that this user is; undefined for anybody else. Group and name must agree. */
export const nodeName = (user: User): string | undefined =>
  user.groups.includes(nodes) && user.name.startsWith(nodePrefix) ? user.name.slice(nodePrefix.length) : undefined;

function ownedByNode(node: string, wanted: Extract<Attributes, { resource: string }>): boolean {
  if (!["get", "list", "watch"].includes(wanted.verb) || wanted.subresource) return false;
  const selected = (field: string) => wanted.fieldSelector?.split(",").some((part) => part === `${field}=${node}`) ?? false;
  const named = wanted.name === node || selected("metadata.name");
  if (wanted.group === "" && wanted.resource === "nodes") return named;
  if (wanted.group === "" && wanted.resource === "pods") return wanted.verb !== "get" && selected("spec.nodeName");
  return wanted.group === "coordination.k8s.io" && wanted.resource === "leases" && wanted.namespace === "kube-node-lease" && named;
}

/** A WebSocket begins with a GET; who may read pods may not for that reason do things in them. */
const intrusions = new Set(["exec", "attach", "portforward"]);

export function attributesOf(info: RequestInfo, query: URLSearchParams): Attributes {
  if (!info.resource) return { verb: info.verb, path: info.path };
  const { group, version, plural, subresource, namespace, name } = info.resource;
  const { verb } = info, intrudes = verb === "get" && plural === "pods" && intrusions.has(subresource);
  const fieldSelector = query.get("fieldSelector");
  return {
    verb: intrudes ? "create" : verb,
    group,
    version,
    resource: plural,
    subresource,
    namespace,
    name,
    ...(fieldSelector !== null && { fieldSelector }),
  };
}

/** Why not, in Kubernetes' words. */
export function refusal(user: User, wanted: Attributes, reason: string): string {
  const because = reason === "" ? "" : `: ${reason}`;
  if ("path" in wanted) return `forbidden: User "${user.name}" cannot ${wanted.verb} path "${wanted.path}"${because}`;
  const plural = wanted.group === "" ? wanted.resource : `${wanted.resource}.${wanted.group}`;
  const subject = wanted.name ? `${plural} "${wanted.name}"` : plural;
  const resource = wanted.subresource ? `${wanted.resource}/${wanted.subresource}` : wanted.resource;
  const where = wanted.namespace ? `in the namespace "${wanted.namespace}"` : "at the cluster scope";
  return `${subject} is forbidden: User "${user.name}" cannot ${wanted.verb} resource "${resource}" in API group "${wanted.group}" ${where}${because}`;
}
