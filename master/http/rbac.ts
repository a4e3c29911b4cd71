// A request in the words of authorization, and the refusal in Kubernetes' words.
import { ApiError } from "../../shared/api/status.ts";
import type { Authorizer } from "../rbac/authorizer.ts";
import type { Attributes, User } from "../rbac/user.ts";
import type { RequestInfo } from "./request.ts";

/** A WebSocket begins with a GET; who may read pods may not for that reason do things in them. */
const intrusions = new Set(["exec", "attach", "portforward"]);

export function attributesOf(info: RequestInfo, query: URLSearchParams): Attributes {
  if (!info.resource) return { verb: info.verb, path: info.path };
  const { group, version, plural, subresource, namespace, name: inPath } = info.resource;
  const { verb } = info, intrudes = verb === "get" && plural === "pods" && intrusions.has(subresource);
  const fieldSelector = query.get("fieldSelector"), ofMany = inPath === "" && manyVerbs.has(verb);
  const name = inPath || (ofMany && fieldSelector !== null ? selectedName.exec(fieldSelector)?.[1] ?? "" : "");
  return {
    verb: intrudes ? "create" : verb,
    group,
    version,
    resource: plural,
    subresource,
    // A namespace is in itself: who has a role in it may read it.
    namespace: group === "" && plural === "namespaces" ? inPath : namespace,
    name,
    ...(fieldSelector !== null && { fieldSelector }),
  };
}

/** A list or a watch of one object, as `kubectl get -w` of a name, is what somebody may do who may do it with this object alone. */
const selectedName = /(?:^|,)metadata\.name==?([^,=!\\]+)(?:,|$)/;
const manyVerbs = new Set(["list", "watch", "deletecollection"]);

/** @returns why they may. @throws ApiError Forbidden */
export function mayOrThrow(authorizer: Authorizer, user: User, wanted: Attributes): string {
  const { allowed, reason } = authorizer.authorize(user, wanted);
  if (allowed) return reason;
  const { name = "", group, resource: kind } = "path" in wanted ? { group: "", resource: "" } : wanted;
  throw new ApiError("Forbidden", refusal(user, wanted, reason), {
    details: { ...(name && { name }), ...(group && { group }), ...(kind && { kind }) },
  });
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
