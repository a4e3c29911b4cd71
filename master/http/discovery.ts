// Which groups, versions and resources there are: both forms of discovery, read from the kinds. Made anew when these change; clients keep it by its ETag.
import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { apiVersionOf, type Kind, pathOf, subresourcesOf, verbsOf } from "../../shared/api/resource.ts";
import type { KindSet } from "../registry/kind_set.ts";
import type { Env, HttpContext } from "./context.ts";
import { pageNotFound } from "./errors.ts";
import { issuerPaths } from "./issuer.ts";
import { type Form, negotiate } from "./negotiate.ts";

interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly Kind[];
}
type Document = (c: HttpContext) => Response;

export function discoveryRoutes(app: Hono<Env>, kinds: KindSet): void {
  const documents = perKinds(kinds, discoveryDocuments);
  const answer = (c: HttpContext): Response => (documents().get(c.req.path.replace(/(.)\/$/, "$1")) ?? pageNotFound)(c);
  for (const path of ["/", "/api", "/apis", "/api/:version", "/apis/:group", "/apis/:group/:version"]) app.get(path, answer);
}
/** Keeps what is made of the kinds for as long as they are the same. */
export function perKinds<T>(kinds: KindSet, make: (served: readonly Kind[]) => T): () => T {
  let made: { of: readonly Kind[]; value: T } | undefined;
  return () => (made?.of === kinds.served ? made : made = { of: kinds.served, value: make(kinds.served) }).value;
}

/** By their paths. */
function discoveryDocuments(kinds: readonly Kind[]): ReadonlyMap<string, Document> {
  const versions = groupVersions(kinds), groups = grouped(versions.filter(({ group }) => group !== ""), ({ group }) => group);
  const core = versions.filter(({ group }) => group === "");
  const legacyCore = JSON.stringify({ kind: "APIVersions", versions: core.map(({ version }) => version), serverAddressByClientCIDRs: [] });
  const legacyGroups = JSON.stringify({
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [...groups].map(([name, found]) => apiGroup(name, found)),
  });
  const paths = [
    ...Object.values(issuerPaths),
    "/api",
    "/apis",
    ...versions.map(pathOf),
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
  ];
  return new Map([
    ["/", legacy(JSON.stringify({ paths: paths.toSorted() }))],
    ["/api", either(legacyCore, new Map([["", core]]))],
    ["/apis", either(legacyGroups, groups)],
    ...[...groups].map(([name, found]): [string, Document] => [
      `/apis/${name}`,
      legacy(JSON.stringify({ kind: "APIGroup", apiVersion: "v1", ...apiGroup(name, found) })),
    ]),
    ...versions.map((one): [string, Document] => [pathOf(one), legacy(JSON.stringify(resourceList(one)))]),
  ]);
}
/** In the order in which the kinds stand; the first version of a group is the preferred one. */
function groupVersions(kinds: readonly Kind[]): GroupVersion[] {
  const found = grouped(kinds, apiVersionOf);
  return [...found.values()].map((members) => ({ group: members[0]!.group, version: members[0]!.version, kinds: members }));
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...groups.get(key(item)) ?? [], item]);
  return groups;
}

// ---- the older form

const apiGroup = (name: string, versions: readonly GroupVersion[]) => {
  const listed = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: listed, preferredVersion: listed[0] };
};

function resourceList({ group, version, kinds }: GroupVersion) {
  const resources = kinds.flatMap((kind) => [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: verbsOf(kind),
      ...(kind.short && { shortNames: kind.short }),
      ...(kind.categories && { categories: kind.categories }),
      ...(kind.stored !== false && { storageVersionHash: hash(`${kind.group}/${kind.version}/${kind.kind}`).slice(0, 12) }),
    },
    ...subresourcesOf(kind).map((sub) => ({
      name: `${kind.plural}/${sub.name}`,
      singularName: "",
      namespaced: kind.namespaced,
      kind: sub.kind,
      ...((sub.group !== kind.group || sub.version !== kind.version) && { group: sub.group, version: sub.version }),
      verbs: sub.verbs,
    })),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersionOf({ group, version }), resources };
}

// ---- the aggregated form

function aggregated(formVersion: string, groups: ReadonlyMap<string, readonly GroupVersion[]>) {
  const responseKind = ({ group, version, kind }: { group: string; version: string; kind: string }) => ({ group, version, kind });
  const resource = (kind: Kind) => ({
    resource: kind.plural,
    responseKind: responseKind(kind),
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.short && { shortNames: kind.short }),
    ...(kind.categories && { categories: kind.categories }),
    ...(subresourcesOf(kind).length > 0 && {
      subresources: subresourcesOf(kind).map((sub) => ({ subresource: sub.name, responseKind: responseKind(sub), verbs: sub.verbs })),
    }),
  });
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${formVersion}`,
    metadata: {},
    items: [...groups].map(([name, versions]) => ({
      metadata: { ...(name && { name }), creationTimestamp: null },
      versions: versions.map(({ version, kinds }) => ({ version, resources: kinds.map(resource), freshness: "Current" })),
    })),
  };
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

const legacy = (body: string): Document => document(["object"], () => body);
const either = (body: string, groups: ReadonlyMap<string, readonly GroupVersion[]>): Document => {
  const made: Readonly<Record<string, string>> = {
    v2: JSON.stringify(aggregated("v2", groups)),
    v2beta1: JSON.stringify(aggregated("v2beta1", groups)),
  };
  return document(["discovery", "object"], (version) => made[version] ?? body);
};

/** A document that does not change while the kinds do not. The form's parameters are echoed: by them client-go chooses its decoder. */
function document(offered: readonly Form[], bodyOf: (version: string) => string): Document {
  const etags = new Map<string, string>();
  return (c) => {
    const { version } = negotiate(c.req.header("accept"), ...offered);
    const body = bodyOf(version);
    let etag = etags.get(version);
    if (!etag) etags.set(version, etag = `"${hash(body)}"`);
    const type = version === "" ? "application/json" : `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const headers = { "content-type": type, etag, vary: "Accept", "cache-control": "public" };
    return c.req.header("if-none-match") === etag ? new Response(null, { status: 304, headers }) : new Response(body, { headers });
  };
}
