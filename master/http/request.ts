// What a request asks for, read from its method and path alone: Kubernetes' RequestInfo. Authorization, routing and the log all see this one value.

export interface ResourcePath {
  readonly group: string; // "" for core
  readonly version: string;
  readonly plural: string;
  readonly namespace: string; // "" at the cluster scope
  readonly name: string; // "" for the collection
  readonly subresource: string;
  /** What follows the subresource, as in …/pods/web/proxy/a/b. */
  readonly rest: string;
}
export interface RequestInfo {
  /** get list watch create update patch delete deletecollection; outside the resources, the method in lower case. */
  readonly verb: string;
  readonly path: string;
  readonly resource?: ResourcePath;
}

/** Parts of a namespace that stand in its own path, not below it. */
const namespaceSubresources = new Set(["status", "finalize"]);
const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** `query` only decides whether a GET of a collection is a list or a watch, and whose. */
export function parseRequest(method: string, path: string, query: URLSearchParams): RequestInfo {
  const resource = parseResource(path);
  if (!resource) return { verb: method.toLowerCase(), path };
  let verb = verbs[method] ?? method.toLowerCase();
  if (resource.name === "" && verb === "get") verb = isTrue(query.get("watch")) ? "watch" : "list";
  if (resource.name === "" && verb === "delete") verb = "deletecollection";
  return { verb, path, resource };
}

/** As upstream reads a parameter: whatever is there and does not say no, says yes (python's client sends `watch=True`). */
export const isTrue = (value: string | null | undefined): boolean =>
  value !== null && value !== undefined && value !== "0" && value.toLowerCase() !== "false";

/** @returns undefined where the path names no resource: /version, /api/v1, /apis/apps … */
function parseResource(path: string): ResourcePath | undefined {
  let parts: string[];
  try {
    parts = path.split("/").filter((part) => part !== "").map(decodeURIComponent);
  } catch {
    return undefined; // a broken % escape names nothing
  }
  const core = parts[0] === "api";
  if (!core && parts[0] !== "apis") return undefined;
  const [group, version] = core ? ["", parts[1]] : [parts[1], parts[2]];
  let rest = parts.slice(core ? 2 : 3);
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 2 && !(rest.length === 3 && namespaceSubresources.has(rest[2]!))) {
    namespace = rest[1]!;
    rest = rest.slice(2);
  }
  const [plural = "", name = "", subresource = "", ...more] = rest;
  return { group, version, plural, namespace, name, subresource, rest: more.join("/") };
}

const flowing = new Set(["log", "exec", "attach", "portforward", "proxy"]);
/** Lasts as long as somebody listens. */
export const isLongRunning = ({ verb, resource, path }: RequestInfo): boolean =>
  verb === "watch" || flowing.has(resource?.subresource ?? "") || path === snapshotPath;
/** Where a backup is read from. */
export const snapshotPath = "/skerry/v1/snapshot";
