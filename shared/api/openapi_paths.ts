// The paths of an OpenAPI document: every verb of every kind. kubectl finds a kind by its path, and the operation on it by the name of the kind; it validates
// nothing itself where PATCH has a parameter fieldValidation.
import { type Kind, pathOf, subresourcesOf, verbsOf } from "./resource.ts";
import type { Json } from "./schema.ts";

/** The schema that stands for a kind, if there is one. */
type Schema = (name: string) => Json | undefined;
type Method = "get" | "put" | "post" | "patch" | "delete";
/** A verb, its method, what `operationId` and `x-kubernetes-action` call it, and which query parameters it takes. */
interface Verb {
  readonly verb: string;
  readonly method: Method;
  readonly name: string;
  readonly action: string;
  readonly query: readonly string[];
}

const read = ["pretty"], write = [...read, "dryRun", "fieldManager", "fieldValidation"];
const remove = [...read, "dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
const select = [
  ...["allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion"],
  ...["resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"],
];
const onCollections: readonly Verb[] = [
  { verb: "list", method: "get", name: "list", action: "list", query: [...read, ...select] },
  { verb: "create", method: "post", name: "create", action: "post", query: write },
  { verb: "deletecollection", method: "delete", name: "deleteCollection", action: "deletecollection", query: [...remove, ...select] },
];
const onObjects: readonly Verb[] = [
  { verb: "get", method: "get", name: "read", action: "get", query: read },
  { verb: "update", method: "put", name: "replace", action: "put", query: write },
  { verb: "patch", method: "patch", name: "patch", action: "patch", query: [...write, "force"] },
  { verb: "delete", method: "delete", name: "delete", action: "delete", query: remove },
  { verb: "create", method: "post", name: "create", action: "post", query: write },
];
const types: Readonly<Record<string, string>> = {
  allowWatchBookmarks: "boolean",
  force: "boolean",
  gracePeriodSeconds: "integer",
  limit: "integer",
  orphanDependents: "boolean",
  sendInitialEvents: "boolean",
  timeoutSeconds: "integer",
  watch: "boolean",
};
const docs: Readonly<Record<string, string>> = {
  allowWatchBookmarks: "Send bookmarks now and then, so that the watch can be resumed from a newer resourceVersion.",
  continue: "The token of the page before.",
  dryRun: "All: do everything but write.",
  fieldManager: "Who writes, for metadata.managedFields.",
  fieldSelector: "Fields that the objects must have.",
  fieldValidation: "What is done about unknown and duplicate fields: Ignore, Warn or Strict.",
  force: "Take fields from other managers (server-side apply).",
  gracePeriodSeconds: "Seconds it may take to end; 0 for at once.",
  labelSelector: "Labels that the objects must have.",
  limit: "Objects on a page.",
  orphanDependents: "The old form of propagationPolicy.",
  pretty: "true: indent the answer.",
  propagationPolicy: "What becomes of the objects it owns: Orphan, Background or Foreground.",
  resourceVersion: "The state that the answer must be of, or after which a watch begins.",
  resourceVersionMatch: "Exact or NotOlderThan: how resourceVersion is meant.",
  sendInitialEvents: "Begin a watch with the objects there are.",
  timeoutSeconds: "Seconds after which it ends.",
  watch: "Go on with the changes.",
};

export function pathsOf(kinds: readonly Kind[], schema: Schema): Json {
  const paths: Json = {};
  for (const kind of kinds) {
    const base = pathOf(kind), verbs = verbsOf(kind), own = schema(kind.schema.id), listed = schema(`${kind.schema.id}List`);
    const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
    const scope = kind.namespaced ? ["namespace"] : [], stem = kind.namespaced ? `Namespaced${kind.kind}` : kind.kind;
    const add = (path: string, parameters: readonly string[], offered: readonly Verb[], operation: (verb: Verb) => Json) => {
      if (offered.length === 0) return;
      paths[path] = { ...Object.fromEntries(offered.map((verb) => [verb.method, operation(verb)])), parameters: parameters.map(inPath) };
    };
    const offered = (table: readonly Verb[], verbs: readonly string[]) => table.filter(({ verb }) => verbs.includes(verb));
    const ordinary = (suffix: string) => (verb: Verb) => {
      const body = verb.verb === "list" ? listed : own;
      return operation(kind, kind, verb, stem + suffix, own, verb.verb.startsWith("delete") ? undefined : body);
    };
    add(collection, scope, offered(onCollections, verbs), ordinary(""));
    if (kind.namespaced) {
      add(
        `${base}/${kind.plural}`,
        [],
        offered(onCollections.slice(0, 1), verbs),
        (verb) => operation(kind, kind, verb, `${kind.kind}ForAllNamespaces`, own, listed),
      );
    }
    add(`${collection}/{name}`, ["name", ...scope], offered(onObjects.slice(0, 4), verbs), ordinary(""));
    for (const sub of subresourcesOf(kind)) {
      const spoken = schema(sub.kind);
      add(
        `${collection}/{name}/${sub.name}`,
        ["name", ...scope],
        offered(onObjects, sub.verbs),
        (verb) => operation(kind, sub, verb, stem + camel(sub.name), spoken, spoken),
      );
    }
  }
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => a < b ? -1 : 1));
}

/** @param kind whose path it is  @param spoken the kind that is sent and answered there */
function operation(
  kind: Kind,
  spoken: Pick<Kind, "group" | "version" | "kind">,
  verb: Verb,
  stem: string,
  body: Json | undefined,
  answer: Json | undefined,
): Json {
  const group = camel(kind.group.replace(/\.k8s\.io$/, "") || "core"), version = camel(kind.version);
  const [name, collection = ""] = verb.name.split(/(?=Collection)/);
  return {
    tags: [`${kind.group.replace(/\.k8s\.io$/, "") || "core"}_${kind.version}`.replaceAll(".", "_")],
    operationId: `${name}${group}${version}${collection}${stem}`,
    parameters: verb.query.map(inQuery),
    ...requestBody(verb, body, kind),
    responses: {
      "200": { description: "OK", ...answer && { content: { "application/json": { schema: answer } } } },
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": verb.action,
    "x-kubernetes-group-version-kind": { group: spoken.group, kind: spoken.kind, version: spoken.version },
  };
}
const patches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
function requestBody({ method }: Verb, body: Json | undefined, { definition }: Kind): Json {
  if (method === "patch") {
    const types = patches.filter((type) => definition === undefined || type !== "application/strategic-merge-patch+json");
    return { requestBody: { required: true, content: Object.fromEntries(types.map((type) => [type, { schema: { type: "object" } }])) } };
  }
  if (method === "get" || method === "delete" || !body) return {};
  return { requestBody: { required: true, content: { "*/*": { schema: body } } } };
}
const inPath = (name: string): Json => ({
  name,
  in: "path",
  description: name === "name" ? "Name of the object." : "The namespace.",
  required: true,
  schema: { type: "string", uniqueItems: true },
});
const inQuery = (name: string): Json => ({
  name,
  in: "query",
  description: docs[name]!,
  schema: { type: types[name] ?? "string", uniqueItems: true },
});
const camel = (words: string): string => words.split(/[.-]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
