// Custom resources on several masters, over both stores; after a restart; and very many of them.
import process from "node:process";
import * as assert from "uvu/assert";
import { definition, group, version } from "../kit/definitions.ts";
import { noEtcd, startEtcd } from "../kit/etcd_process.ts";
import { startEtcdMasters } from "../kit/etcd_masters.ts";
import { eventually } from "../kit/eventually.ts";
import { type MasterProcess, withMaster } from "../kit/master_process.ts";
import { startMasters } from "../kit/masters_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("custom resources", { timeoutMs: 300_000 });
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", tides = `/apis/${group}/v1/namespaces/default/tides`;
const spec = version({ spec: { type: "object", properties: { size: { type: "integer", maximum: 9, default: 3 } } } });
const body = (versions: readonly object[], names?: object) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  ...definition(versions, names),
});
const tide = (name: string, size?: number) => ({
  apiVersion: `${group}/v1`,
  kind: "Tide",
  metadata: { name },
  spec: size === undefined ? {} : { size },
});

/** Every member serves what any of them was told, and no longer than it is there. */
async function everywhere(masters: readonly MasterProcess[]): Promise<void> {
  const [a, b, c] = masters as [MasterProcess, MasterProcess, MasterProcess];
  assert.is((await a.client.ask("POST", definitions, { body: body([spec]) })).status, 201);
  for (const { client } of masters) await eventually("it is served", async () => (await client.ask("GET", tides)).status === 200);
  assert.is((await b.client.ask("POST", tides, { body: tide("high") })).body.spec.size, 3);
  assert.is((await c.client.ask("GET", `${tides}/high`)).status, 200);
  assert.is((await c.client.ask("POST", tides, { body: tide("wrong", 10) })).status, 422);
  const changed = await b.client.ask("GET", `${definitions}/tides.${group}`);
  changed.body.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.size.maximum = 99;
  assert.is((await b.client.ask("PUT", `${definitions}/tides.${group}`, { body: changed.body })).status, 200);
  for (const [i, { client }] of masters.entries()) {
    await eventually(
      "the new schema holds",
      async () => (await client.ask("POST", tides, { body: tide(`large-${i}`, 50) })).status === 201,
    );
  }
  await c.client.ask("DELETE", `${definitions}/tides.${group}`);
  for (const { client } of masters) await eventually("it is gone", async () => (await client.ask("GET", tides)).status === 404);
  await eventually("so is the definition", async () => (await a.client.ask("GET", `${definitions}/tides.${group}`)).status === 404);
}
test("three masters with a store of their own serve what one was told", async () => {
  const masters = await startMasters(3);
  try {
    await everywhere(masters);
  } finally {
    await Promise.all(masters.map((master) => master.close()));
  }
});
const overEtcd = suite("custom resources over etcd", { timeoutMs: 300_000, skip: noEtcd });
overEtcd("three masters over etcd serve what one was told", async () => {
  const etcd = await startEtcd(1);
  let masters: MasterProcess[] = [];
  try {
    masters = await startEtcdMasters(etcd, 3);
    await everywhere(masters);
  } finally {
    await Promise.all(masters.map((master) => master.close()));
    await etcd.close();
  }
});

test("a master that starts again serves its custom resources from the first moment on", () =>
  withMaster(async (master) => {
    await master.client.ask("POST", definitions, { body: body([spec]) });
    await eventually("it is served", async () => (await master.client.ask("GET", tides)).status === 200);
    await master.client.ask("POST", tides, { body: tide("high") });
    await master.kill();
    await master.start();
    const { status, body: found } = await master.client.ask("GET", `${tides}/high`);
    assert.equal([status, found.spec], [200, { size: 3 }]);
  }));

test("200 definitions are each in discovery and OpenAPI within a second or so, and go again", () =>
  withMaster(async ({ client, rssBytes }) => {
    const before = rssBytes(), times: number[] = [];
    const name = (i: number) => ({ plural: `kind${i}s`, singular: `kind${i}`, kind: `Kind${i}`, listKind: `Kind${i}List` });
    // As large as people's own: some hundred fields, and a rule.
    const fields = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`field${i}`, { type: "string", description: "What it is for. ".repeat(5) }]),
    );
    const rules = [{ rule: "!has(self.field1) || self.field1 != ''" }];
    const large = version({ spec: { type: "object", properties: fields, "x-kubernetes-validations": rules } });
    const documents = async () => [
      JSON.stringify((await client.ask("GET", `/apis/${group}/v1`)).body),
      JSON.stringify((await client.ask("GET", `/openapi/v3/apis/${group}/v1`)).body),
    ];
    for (let i = 0; i < 200; i++) {
      const from = performance.now();
      assert.is((await client.ask("POST", definitions, { body: body([large], name(i)) })).status, 201);
      await eventually("in both", async () => (await documents()).every((text) => text.includes(`Kind${i}"`)), {
        everyMs: 10,
        withinMs: 20_000,
      });
      times.push(performance.now() - from);
    }
    const median = times.toSorted((a, b) => a - b)[100]!, grown = rssBytes() - before;
    process.stdout.write(
      `measured: ${Math.round(median)} ms until a definition is served (worst ${Math.round(Math.max(...times))}), ${
        Math.round(grown / 2 ** 20)
      } MiB for 200\n`,
    );
    assert.ok(median < 2_000, `${median} ms`);
    assert.ok(grown < 400 * 2 ** 20, `${grown} bytes`);
    for (let i = 0; i < 200; i++) await client.ask("DELETE", `${definitions}/${name(i).plural}.${group}`);
    await eventually("all gone", async () => (await client.ask("GET", `/apis/${group}/v1`)).status === 404);
  }));
