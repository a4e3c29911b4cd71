import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { type CustomResourceDefinition, customResourceDefinitions } from "../../../shared/api/kinds/custom_resource_definition.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import type { Kind } from "../../../shared/api/resource.ts";
import { planNames } from "../../../master/controllers/custom_resource_definition.ts";
import { type Cluster, openCluster, until } from "../../kit/cluster.ts";
import { definition, group, version } from "../../kit/definitions.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<Cluster>("custom resource definitions", {
  setup: () => openCluster([]),
  teardown: (cluster) => cluster.close(),
  timeoutMs: 20_000,
});
const name = `tides.${group}`;
const spec = version({ spec: { type: "object", properties: { size: { type: "integer", default: 3 } } } });
const tides = ({ cache }: Cluster): Kind | undefined => cache.kinds.find(group, "v1", "tides");
const condition = ({ cache }: Cluster, type: string, of = name) =>
  cache.get(customResourceDefinitions, "", of)?.object.status?.conditions?.find((one) => one.type === type);
async function establish(cluster: Cluster, versions: readonly object[] = [spec]): Promise<Kind> {
  await cluster.registry.create(customResourceDefinitions, definition(versions));
  await until(cluster.cache, "the kind", () => tides(cluster) !== undefined);
  return tides(cluster)!;
}
const tide = (name: string, more: object = {}) => ({ metadata: { name, namespace: "default" }, ...more });

test("a definition is established, its kind served and its objects cached; they go with it, and it goes after them", async (cluster) => {
  const { registry, cache } = cluster, kind = await establish(cluster);
  assert.equal(["NamesAccepted", "Established"].map((type) => condition(cluster, type)?.reason), ["NoConflicts", "InitialNamesAccepted"]);
  await Promise.all(Array.from({ length: 50 }, (_, i) => registry.create(kind, tide(`t${i}`))));
  await registry.modify(
    kind,
    { namespace: "default", name: "t0" },
    (object) => void (object.metadata!.finalizers = ["sea.example.com/wait"]),
  );
  await cache.waitFor(registry.revision(), AbortSignal.timeout(4_000));
  assert.is([...cache.list(kind)].length, 50);
  await registry.delete(customResourceDefinitions, { name });
  await until(cache, "one left", () => [...cache.list(kind)].length === 1);
  assert.equal([condition(cluster, "Terminating")?.status, condition(cluster, "Terminating")?.reason], [
    "True",
    "InstanceDeletionInProgress",
  ]);
  const error = await registry.create(kind, tide("late")).then(() => ({} as ApiError), (error: ApiError) => error);
  assert.equal([error.reason, error.message], ["MethodNotAllowed", "create not allowed while custom resource definition is terminating"]);
  await registry.modify(kind, { namespace: "default", name: "t0" }, (object) => void delete object.metadata!.finalizers);
  await until(cache, "gone", () => cache.get(customResourceDefinitions, "", name) === undefined);
  assert.is(tides(cluster), undefined);
});

test("of two who want a name the first has it; the other gets it once it is free", async (cluster) => {
  const { registry, cache } = cluster, other = `waves.${group}`;
  await establish(cluster);
  await registry.create(
    customResourceDefinitions,
    definition([spec], { plural: "waves", singular: "tide", kind: "Wave", listKind: "WaveList" }),
  );
  await until(cache, "refused", () => condition(cluster, "NamesAccepted", other) !== undefined);
  const { status, reason, message } = condition(cluster, "NamesAccepted", other)!;
  assert.equal([status, reason, message], ["False", "SingularConflict", '"tide" is already in use']);
  assert.is(condition(cluster, "Established", other)?.reason, "NotAccepted");
  assert.is(cache.kinds.find(group, "v1", "waves"), undefined);
  await registry.delete(customResourceDefinitions, { name });
  await until(cache, "accepted", () => cache.kinds.find(group, "v1", "waves") !== undefined);
});

test("planNames() gives a definition of our own group none of the house's names", () => {
  const taken = { resources: new Set(["enrollments"]), kinds: new Set(["Enrollment"]) };
  const { accepted, conditions } = planNames(definition([spec], { plural: "enrollments", kind: "Enrollment" }), taken);
  assert.equal([accepted.plural, accepted.kind, accepted.singular], ["", "", "tide"]);
  assert.equal(conditions.map(({ reason }) => reason), ["KindConflict", "NotAccepted"]);
});

test("a new schema holds at once for what is there: in the cache, too", async (cluster) => {
  const { registry, cache } = cluster, kind = await establish(cluster);
  await registry.create(kind, tide("high", { spec: {} }) as never);
  await registry.modify(customResourceDefinitions, { name }, (definition: CustomResourceDefinition) => {
    const { properties } = definition.spec.versions[0]!.schema!.openAPIV3Schema!;
    properties!.spec!.properties!.colour = { type: "string", default: "grey" } as never;
  });
  await until(cache, "another kind", () => tides(cluster) !== kind);
  const seen = cache.get(tides(cluster)!, "default", "high")!.object as unknown as { spec: object };
  assert.equal(seen.spec, { size: 3, colour: "grey" });
  const { object } = await registry.get(tides(cluster)!, { namespace: "default", name: "high" });
  assert.equal((object as unknown as { spec: object }).spec, { size: 3, colour: "grey" });
});

test("versions show the same objects, and what lies in an older one is read as any", async (cluster) => {
  const open = { schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } };
  const { registry, cache } = cluster;
  await establish(cluster, [version({}, open), version({}, { ...open, name: "v2", storage: false })]);
  const [v1, v2] = ["v1", "v2"].map((version) => cache.kinds.find(group, version, "tides")!) as [Kind, Kind],
    key = { namespace: "default", name: "high" };
  await registry.create(v2, tide("high", { x: 1 }));
  assert.equal((await registry.get(v1, key)).object.apiVersion, `${group}/v1`);
  assert.match(Buffer.from((await registry.get(v2, key)).bytes()).toString(), /"apiVersion":"sea.example.com\/v2"/);
  await registry.modify(customResourceDefinitions, { name }, ({ spec: { versions } }: CustomResourceDefinition) => {
    [versions[0]!.storage, versions[1]!.storage] = [false, true];
  });
  await until(cache, "another storage version", () => cache.kinds.definedBy(name)?.stored.version === "v2");
  assert.equal(cache.get(customResourceDefinitions, "", name)!.object.status!.storedVersions, ["v1", "v2"]);
  assert.equal((await registry.list(cache.kinds.find(group, "v2", "tides")!)).items.map(({ object }) => object.apiVersion), [
    `${group}/v2`,
  ]);
});

test("a namespace that ends takes custom resources along", async (cluster) => {
  const { registry, cache } = cluster, kind = await establish(cluster);
  await registry.create(namespaces, { metadata: { name: "sea" } });
  await registry.create(kind, { metadata: { name: "high", namespace: "sea" } });
  await registry.delete(namespaces, { name: "sea" });
  await until(cache, "gone", () => cache.get(namespaces, "", "sea") === undefined);
  assert.equal([...cache.list(kind)], []);
});
test("what a custom resource owns goes with it", async (cluster) => {
  const { registry, cache } = cluster, kind = await establish(cluster);
  const { uid } = await registry.create(kind, tide("high"));
  const ownerReferences = [{ apiVersion: `${group}/v1`, kind: "Tide", name: "high", uid }];
  await registry.create(kind, { metadata: { name: "low", namespace: "default", ownerReferences } });
  await registry.delete(kind, { namespace: "default", name: "high" });
  await until(cache, "both gone", () => [...cache.list(kind)].length === 0);
});
test("who comes next term finds kinds and objects as they were", async (cluster) => {
  const { registry, cache } = cluster, kind = await establish(cluster);
  await registry.create(kind, tide("high"));
  await cluster.restart();
  await registry.delete(customResourceDefinitions, { name });
  await until(cache, "gone", () => cache.get(customResourceDefinitions, "", name) === undefined);
});
