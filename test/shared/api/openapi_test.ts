import * as assert from "uvu/assert";
import { bodies, kinds } from "../../../shared/api/kinds/mod.ts";
import { openapiDocuments, openapiIndex } from "../../../shared/api/openapi.ts";
import { encodeOpenapiV2, openapiV2 } from "../../../shared/api/openapi_v2.ts";
import { pathOf, verbsOf } from "../../../shared/api/resource.ts";
import { decodeWire } from "../../../shared/api/protobuf.ts";
import { field, type Json, later, list, message, string, type Type } from "../../../shared/api/schema.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("openapiDocuments()");
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, { properties: Record<string, Json> } & Json> };
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { name: string; in: string }[];
  readonly "x-kubernetes-group-version-kind": Json;
}
const written = openapiDocuments(kinds, bodies, "v1.33.0");
const documents = new Map([...written].map(([path, { text }]) => [path, JSON.parse(text) as Document]));
const references = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference!);

test("every reference leads somewhere", () => {
  for (const [path, document] of documents) {
    const known = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    assert.equal(references(document).filter((reference) => !known.has(reference)), [], path);
  }
});
test("every kind is where kubectl explain looks for it, under the name of its schema", () => {
  for (const kind of kinds) {
    const { paths, components } = documents.get(pathOf(kind).slice(1))!;
    const operations = paths[`${pathOf(kind)}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}`]!;
    const wanted = { group: kind.group, kind: kind.kind, version: kind.version };
    assert.equal((operations.post ?? operations.get)!["x-kubernetes-group-version-kind"], wanted, kind.plural);
    const schema = Object.values(components.schemas).filter((schema) => {
      const [found] = (schema["x-kubernetes-group-version-kind"] ?? []) as Json[];
      return found?.group === kind.group && found.kind === kind.kind && found.version === kind.version;
    });
    assert.is(schema.length, 1, kind.plural);
  }
});
test("PATCH validates on the server, so that kubectl need not", () => {
  for (const kind of kinds.filter((kind) => verbsOf(kind).includes("patch"))) {
    const { paths } = documents.get(pathOf(kind).slice(1))!;
    const { patch } = paths[`${pathOf(kind)}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}/{name}`]!;
    assert.ok(patch!.parameters.some((parameter) => parameter.name === "fieldValidation" && parameter.in === "query"), kind.plural);
  }
});
test("operations have names of their own, as upstream's", () => {
  const names = [...documents.values()].flatMap(({ paths }) => Object.values(paths).flatMap((path) => Object.values(path)))
    .flatMap(({ operationId }) => operationId ?? []);
  assert.is(new Set(names).size, names.length);
  const upstream = [
    "listCoreV1PodForAllNamespaces",
    "createAppsV1NamespacedDeployment",
    "deleteAppsV1CollectionNamespacedDeployment",
    "replaceAppsV1NamespacedDeploymentScale",
    "readCoreV1Node",
    "createCoreV1NamespacedPodEviction",
    "createAuthorizationV1SelfSubjectAccessReview",
  ];
  assert.equal(upstream.filter((name) => !names.includes(name)), []);
});
test("schemas carry what merges and explanations need", () => {
  const { schemas } = documents.get("apis/apps/v1")!.components;
  const { containers, topologySpreadConstraints } = schemas["io.k8s.api.core.v1.PodSpec"]!.properties;
  assert.equal([containers!["x-kubernetes-patch-merge-key"], containers!["x-kubernetes-patch-strategy"]], ["name", "merge"]);
  assert.equal(topologySpreadConstraints!["x-kubernetes-list-map-keys"], ["topologyKey", "whenUnsatisfiable"]);
  assert.equal(schemas["io.k8s.api.core.v1.PodSpec"]!.required, ["containers"]);
  const { replicas, template } = schemas["io.k8s.api.apps.v1.DeploymentSpec"]!.properties;
  assert.equal([replicas!.type, replicas!.format, replicas!.default], ["integer", "int32", 1]);
  assert.equal(template!.allOf, [{ $ref: "#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec" }]);
});
test("the index names each document by its content", () => {
  const index = openapiIndex(written) as { paths: Record<string, { serverRelativeURL: string }> };
  assert.equal(Object.keys(index.paths).slice(0, 2), ["api/v1", "apis/apps/v1"]);
  assert.is(index.paths["apis/apps/v1"]!.serverRelativeURL, `/openapi/v3/apis/apps/v1?hash=${written.get("apis/apps/v1")!.hash}`);
  const fewer = openapiDocuments(kinds.filter(({ kind }) => kind !== "Deployment"), bodies, "v1.33.0");
  assert.is.not(fewer.get("apis/apps/v1")!.hash, written.get("apis/apps/v1")!.hash);
  assert.is(fewer.get("apis/coordination.k8s.io/v1")!.hash, written.get("apis/coordination.k8s.io/v1")!.hash);
});

const older = suite("openapiV2()");

// The part of gnostic's OpenAPIv2.proto that we write, in our own schema language.
class Any extends message("openapi.v2.Any", "A value.", { yaml: field(2, string, "As YAML.") }) {}
class NamedAny extends message("openapi.v2.NamedAny", "A value with a name.", { name: field(1, string, ""), value: field(2, Any, "") }) {}
class Strings extends message("openapi.v2.TypeItem", "Types.", { value: field(1, list(string), "") }) {}
class Items extends message("openapi.v2.ItemsItem", "Items.", { schema: field(1, list(later((): Type<Schema> => Schema)), "") }) {}
class Additional
  extends message("openapi.v2.AdditionalPropertiesItem", "Values.", { schema: field(1, later((): Type<Schema> => Schema), "") }) {}
class NamedSchema extends message("openapi.v2.NamedSchema", "A schema with a name.", {
  name: field(1, string, ""),
  value: field(2, later((): Type<Schema> => Schema), ""),
}) {}
class NamedSchemas extends message("openapi.v2.Properties", "Schemas.", { named: field(1, list(NamedSchema), "") }) {}
class Schema extends message("openapi.v2.Schema", "A schema.", {
  ref: field(1, string, ""),
  format: field(2, string, ""),
  description: field(4, string, ""),
  required: field(19, list(string), ""),
  enum: field(20, list(Any), ""),
  additionalProperties: field(21, Additional, ""),
  type: field(22, Strings, ""),
  items: field(23, Items, ""),
  properties: field(25, NamedSchemas, ""),
  extensions: field(31, list(NamedAny), ""),
}) {}
class Info extends message("openapi.v2.Info", "Info.", { title: field(1, string, ""), version: field(2, string, "") }) {}
class Swagger extends message("openapi.v2.Document", "The document.", {
  swagger: field(1, string, ""),
  info: field(2, Info, ""),
  definitions: field(9, NamedSchemas, ""),
}) {}

/** The schema as JSON again. */
function plain(schema: Schema): Json {
  const { ref, type, items, properties, additionalProperties, extensions = [], enum: values, ...rest } = schema;
  return {
    ...rest,
    ...ref && { $ref: ref },
    ...type?.value && { type: type.value[0] },
    ...items?.schema && { items: plain(items.schema[0]!) },
    ...additionalProperties?.schema && { additionalProperties: plain(additionalProperties.schema) },
    ...properties && { properties: named(properties) },
    ...values && { enum: values.map(({ yaml }) => JSON.parse(yaml!)) },
    ...Object.fromEntries(extensions.map(({ name, value }) => [name, JSON.parse(value!.yaml!)])),
  };
}
const named = ({ named = [] }: NamedSchemas): Json => Object.fromEntries(named.map(({ name, value }) => [name, plain(value!)]));

older("says the same as protobuf and as JSON", () => {
  const document = openapiV2(kinds, bodies, "v1.33.0"), read = decodeWire(Swagger, encodeOpenapiV2(document)) as Swagger;
  assert.equal([read.swagger, read.info], ["2.0", { title: "Kubernetes", version: "v1.33.0" }]);
  const definitions = named(read.definitions!);
  assert.equal(Object.keys(definitions), Object.keys(document.definitions as Json));
  for (const [name, schema] of Object.entries(document.definitions as Json)) assert.equal(definitions[name], schema, name);
});
older("refers only to what it defines, and has no alternatives", () => {
  const document = openapiV2(kinds, bodies, "v1.33.0"), definitions = document.definitions as Json;
  assert.equal(references(document).filter((reference) => !Object.hasOwn(definitions, reference.slice("#/definitions/".length))), []);
  const { "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps": _, ...others } = definitions; // which has fields of these names
  assert.not.match(JSON.stringify(others), /"(oneOf|allOf|anyOf)"/);
});
