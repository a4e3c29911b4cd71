// Requests as clients send them, of every verb, kind and encoding; and what chance makes of them.
import { Buffer } from "node:buffer";
import { stringify } from "yaml";
import { encodeWire, wrap } from "../../shared/api/protobuf.ts";
import { apiVersionOf, type Kind, subresourcesOf, verbsOf } from "../../shared/api/resource.ts";
import { decode } from "../../shared/api/decode.ts";
import type { Json } from "../../shared/api/schema.ts";
import type { Random } from "../../shared/util/clock.ts";
import { oneIn, pick, some, upTo } from "../kit/chance.ts";
import { mutateBytes, mutateJson, oddValue } from "./mutate.ts";
import { collection, type Corpus } from "./objects.ts";
import { patchOf } from "./patches.ts";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}
/** Of the objects that are there from the beginning of a life. */
export const objectNames = ["a", "b"];

const accepts = [
  ...[
    "application/json",
    "application/json, */*",
    "*/*",
    "application/yaml",
    "application/vnd.kubernetes.protobuf,application/json",
    "text/html",
  ],
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
  "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;q=0.5",
  ...'application/com.github.proto-openapi.spec.v2@v1.0+protobuf|;;;|application/json;q=,*/*;q=2|a/b;c="d,e"'.split("|"),
];
const contentTypes = [
  ...["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json-patch+json", "text/plain"],
  ...[
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "",
    "application/json; charset=x",
  ],
];
/** Values of each parameter that anybody reads. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  dryRun: ["All", "", "None"],
  fieldManager: ["kubectl", "", "ü", "a".repeat(129), "a\nb"],
  fieldValidation: ["Strict", "Warn", "Ignore", "no"],
  force: ["true", "false", ""],
  pretty: ["true", "", "false"],
  labelSelector: ["app=web", "a in (b,c),!d", "a notin (", "a>1,b<x", ",", "=", "!", "a=b=c", "x".repeat(500) + "=a", "in in (in)"],
  fieldSelector: ["metadata.name=a", "metadata.namespace!=b", "spec.nodeName=", "nope=1", "metadata.name=a\\,b", "=", "\\"],
  limit: ["1", "2", "0", "-1", "x", "999999999999", "1e3"],
  continue: ["", "x", "eyJ2IjoxfQ", "a".repeat(3000), "eyJrIjoiLyJ9"],
  resourceVersion: ["0", "1", "3", "999999999999999999999", "x", "-1"],
  resourceVersionMatch: ["Exact", "NotOlderThan", "x"],
  watch: ["true", "1", "x", "false"],
  allowWatchBookmarks: ["true"],
  sendInitialEvents: ["true", "false"],
  timeoutSeconds: ["1", "0", "x", "99999999999"],
  timeout: ["32s", "1m", "x", "0s"],
  includeObject: ["Object", "None", "Metadata", "x"],
  gracePeriodSeconds: ["0", "1", "-1", "x"],
  propagationPolicy: ["Background", "Foreground", "Orphan", "x"],
  orphanDependents: ["true"],
  follow: ["true", "x"],
  tailLines: ["1", "-1", "x"],
  limitBytes: ["1", "0"],
  sinceTime: ["2026-01-01T00:00:00Z", "x"],
  sinceSeconds: ["1", "-9"],
  timestamps: ["true"],
  previous: ["true"],
  container: ["a", "web", ""],
  command: ["sh", "a".repeat(9000)],
  stdin: ["true"],
  stdout: ["true"],
  tty: ["true"],
};
const parameterNames = Object.keys(parameters);
const segments = [
  "",
  ".",
  "..",
  "%2e%2e",
  "%",
  "%00",
  "%ff",
  "__proto__",
  "constructor",
  "namespaces",
  "status",
  "scale",
  "a%2Fb",
  "ü",
  "A",
  "-",
  "a".repeat(400),
];
const otherPaths = [
  ..."/|/api|/apis|/apis/|/apis/apps|/apis/apps/v1|/api/v1|/api/v2|/version|/healthz|/livez|/readyz|/readyz/x|/metrics|/openapi/v2|/openapi/v3"
    .split("|"),
  ...[
    "/openapi/v3/api/v1",
    "/openapi/v3/apis/apps/v1",
    "/openapi/v3/..",
    "/.well-known/openid-configuration",
    "/favicon.ico",
    "//",
    "/api/v1/watch/pods",
  ],
];

const bytesOf = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

/** As a well-behaved client would. */
export function sound(random: Random, corpus: Corpus): Request {
  if (oneIn(random, 40)) return { method: "GET", path: pick(random, otherPaths), query: [], headers: [["accept", pick(random, accepts)]] };
  const kind = pick(random, [...corpus.keys()]), verbs = verbsOf(kind);
  const verb = pick(random, verbs.includes("patch") ? [...verbs, "create", "create", "patch", "patch", "update"] : verbs);
  const subresources = subresourcesOf(kind), name = pick(random, [...objectNames, ...objectNames, "c"]);
  const object = { metadata: { name: "c" }, ...pick(random, corpus.get(kind)!), apiVersion: apiVersionOf(kind), kind: kind.kind } as Json;
  const all = collection(kind, pick(random, ["default", "default", "default", "default", "other"]));
  const sub = subresources.length > 0 && oneIn(random, 4) ? `/${pick(random, subresources).name}` : "", one = `${all}/${name}${sub}`;
  const accept: Request["headers"][number][] = oneIn(random, 3) ? [["accept", pick(random, accepts)]] : [];
  const query = usual(random, verb, kind);
  switch (verb) {
    case "list":
    case "watch":
      return { method: "GET", path: oneIn(random, 4) ? all.replace(/\/namespaces\/[^/]+/, "") : all, query, headers: accept };
    case "deletecollection":
    case "delete": {
      const options = { propagationPolicy: pick(random, ["Background", "Foreground", "Orphan"]), gracePeriodSeconds: upTo(random, 2) };
      const tried: Request["query"] = oneIn(random, 3) ? query : [...query, ["dryRun", "All"]]; // something has to stay
      return { method: "DELETE", path: verb === "delete" ? one : all, query: tried, ...encoded(random, kind, options, accept) };
    }
    case "create":
      return {
        method: "POST",
        path: sub === "" ? all : one,
        query,
        ...encoded(random, kind, named(object, pick(random, ["", "c", name])), accept),
      };
    case "update":
      return { method: "PUT", path: one, query, ...encoded(random, kind, named(object, name), accept) };
    case "patch": {
      const { type, body } = patchOf(random, kind, named(object, name), pick(random, corpus.get(kind)!));
      const apply = type.startsWith("application/apply") ? [["fieldManager", pick(random, ["a", "b", "kubectl"])]] as const : [];
      return { method: "PATCH", path: one, query: [...apply, ...query], headers: [...accept, ["content-type", type]], body: bytesOf(body) };
    }
    default:
      return { method: "GET", path: one, query, headers: accept };
  }
}
const named = (object: Json, name: string): Json => ({
  ...object,
  metadata: { ...object.metadata as Json, ...(name === "" ? { name: undefined, generateName: "g-" } : { name }) },
});
function usual(random: Random, verb: string, kind: Kind): Request["query"] {
  const names = verb === "watch"
    ? ["resourceVersion", "allowWatchBookmarks", "labelSelector", "fieldSelector", "includeObject"]
    : verb === "list"
    ? ["limit", "labelSelector", "fieldSelector", "resourceVersion", "includeObject"]
    : ["dryRun", "fieldManager", "fieldValidation", "pretty"];
  const fields = ["metadata.name", "metadata.namespace", ...Object.keys(kind.selectable ?? {})];
  const chosen = some(random, names, 0.25).map((name): [string, string] => [name, parameters[name]![0]!]);
  if (verb === "list" && oneIn(random, 4)) chosen.push(["fieldSelector", `${pick(random, fields)}${pick(random, ["=", "!="])}a`]);
  return verb === "watch" ? [["watch", "true"], ...chosen] : chosen;
}

function encoded(random: Random, kind: Kind, object: Json, headers: Request["headers"]): Pick<Request, "headers" | "body"> {
  switch (upTo(random, 5)) {
    case 0:
      return { headers: [...headers, ["content-type", "application/yaml"]], body: bytesOf(stringify(JSON.parse(JSON.stringify(object)))) };
    case 1: {
      const { value, unreadable, causes } = decode(kind.schema, object);
      if (unreadable.length + causes.length > 0) break; // no client could say it
      const raw = encodeWire(kind.schema, value as Json);
      const body = wrap({ apiVersion: apiVersionOf(kind), kind: kind.kind, raw });
      return { headers: [...headers, ["content-type", "application/vnd.kubernetes.protobuf"]], body };
    }
  }
  return { headers: [...headers, ["content-type", "application/json"]], body: bytesOf(object) };
}

/** The same with one thing changed: its method, path, query, headers, or body. */
export function mutated(random: Random, request: Request): Request {
  const { path, query, headers, body } = request;
  const without = <T>(list: readonly T[]): T[] => list.filter((_, i) => i !== upTo(random, list.length));
  switch (upTo(random, 14)) {
    case 0:
      return { ...request, method: pick(random, ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) };
    case 1: {
      const parts = path.split("/"), at = 1 + upTo(random, parts.length);
      parts.splice(at, upTo(random, 2), pick(random, [...segments, ...parts.slice(1)]));
      return { ...request, path: parts.join("/").replace(/^\/?/, "/") };
    }
    case 2:
    case 3: {
      const name = pick(random, parameterNames);
      return { ...request, query: [...query, [name, oneIn(random, 6) ? String(oddValue(random)) : pick(random, parameters[name]!)]] };
    }
    case 4:
      return { ...request, query: without(query), headers: oneIn(random, 2) ? without(headers) : headers };
    case 5:
      return { ...request, headers: [...headers, ["content-type", pick(random, contentTypes)]] };
    case 6:
      return { ...request, headers: [...headers, ["accept", pick(random, accepts)]] };
    case 7:
      return { ...request, headers: [...headers, ...oddHeaders(random)] };
    case 8:
    case 9:
      return body ? { ...request, body: mutateBytes(random, body) } : request;
    default:
      return body ? { ...request, body: changedInside(random, body) } : request;
  }
}
function oddHeaders(random: Random): [string, string][] {
  const texts = [
    "a",
    "system:masters",
    "system:serviceaccount:default:a",
    "system:serviceaccount:::",
    "ü",
    "",
    "a,b",
    "%",
    "x".repeat(2000),
  ];
  const name = pick(random, [
    ...[
      "impersonate-user",
      "impersonate-user",
      "impersonate-group",
      "impersonate-uid",
      "impersonate-extra-a%2",
      "impersonate-x",
      "user-agent",
    ],
    ...["accept-encoding", "if-none-match", "content-length", "content-encoding", "transfer-encoding", "expect", "x-forwarded-for", "host"],
  ]);
  const user: [string, string][] = name === "impersonate-user" ? [] : [["impersonate-user", "a"]];
  const value = name === "accept-encoding" ? "gzip" : name === "user-agent" ? "curl/8" : pick(random, texts);
  return [...(name.startsWith("impersonate") ? user : []), [name, value]];
}
/** Of what is JSON, a value inside; of anything else, bytes. */
function changedInside(random: Random, body: Uint8Array): Uint8Array {
  try {
    return bytesOf(mutateJson(random, JSON.parse(Buffer.from(body).toString())));
  } catch {
    return mutateBytes(random, body);
  }
}

export function show({ method, path, query, headers, body }: Request): string {
  const shown = body && Buffer.from(body).toString();
  const readable = shown !== undefined && Buffer.from(shown).equals(Buffer.from(body!))
    ? shown
    : body && `base64 ${Buffer.from(body).toString("base64")}`;
  return [
    `${method} ${path}${search(query)}`,
    ...headers.map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    "",
    readable?.slice(0, 4000) ?? "",
  ]
    .join("\n  ");
}
export const search = (query: Request["query"]): string =>
  query.length === 0
    ? ""
    : `?${query.map(([name, value]) => `${name}=${encodeURIComponent(value.replace(/[\ud800-\udfff]/gu, "?"))}`).join("&")}`;
