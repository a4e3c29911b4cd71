import * as assert from "uvu/assert";
import { type Service, services } from "../../../shared/api/kinds/service.ts";
import { silentLog } from "../../../shared/util/log.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import { repairClaims } from "../../../master/registry/service_ips.ts";
import { closeRegistry, openRegistry, type RegistryContext, reopenRegistry } from "../../kit/registry.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite<RegistryContext>("registry service addresses", { setup: openRegistry, teardown: closeRegistry, timeoutMs: 20_000 });
const small = suite<RegistryContext>("registry service addresses of a small subnet", {
  setup: () => openRegistry({ serviceSubnet: "10.9.0.0/28" }),
  teardown: closeRegistry,
  timeoutMs: 20_000,
});

const service = (name: string, spec: object = {}): Service =>
  ({ metadata: { name, namespace: "default" }, spec: { ports: [{ port: 80 }], ...spec } }) as Service;
const key = (name: string) => ({ namespace: "default", name });
const refused = async (work: Promise<unknown>): Promise<ApiError> => await rejects(work) as ApiError;
const claims = async ({ store }: RegistryContext) => (await store.list("/a/")).items.map((item) => item.key);

small("create() never gives one address twice, however many create at once, and says when there is none", async (context) => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => context.registry.create(services, service(`s${i}`))));
  const ips = results.filter((result) => result.status === "fulfilled").map((result) => result.value.object.spec!.clusterIP!);
  assert.is(new Set(ips).size, ips.length);
  assert.equal((await claims(context)).sort(), ips.map((ip) => `/a/ip/${ip}`).sort());
  for (let i = ips.length; i < 14; i++) await context.registry.create(services, service(`more-${i}`));
  assert.is((await claims(context)).length, 14, "all of a /28 but its first and its last");
  const full = await refused(context.registry.create(services, service("too-much")));
  assert.match(full.message, /spec.clusterIPs: Invalid value: \[\]: failed to allocate a serviceIP: range is full/);
  await context.registry.delete(services, key("s0")).catch(() => context.registry.delete(services, key("more-13")));
  await context.registry.create(services, service("now-there-is-one"));
});

test("create() honours an address that is asked for, once", async ({ registry }) => {
  const { object } = await registry.create(services, service("a", { clusterIP: "10.202.0.10" }));
  assert.equal([object.spec!.clusterIP, object.spec!.clusterIPs], ["10.202.0.10", ["10.202.0.10"]]);
  const twice = await refused(registry.create(services, service("b", { clusterIP: "10.202.0.10" })));
  assert.equal([twice.code, twice.message], [
    422,
    'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.202.0.10"]: failed to allocate IP 10.202.0.10: provided IP is already allocated',
  ]);
  const outside = await refused(registry.create(services, service("b", { clusterIP: "10.1.0.1" })));
  assert.match(outside.message, /not in the valid range\. The range of valid IPs is 10\.202\.0\.0\/16/);
  const both = await Promise.allSettled(["c", "d"].map((name) => registry.create(services, service(name, { clusterIP: "10.202.0.11" }))));
  assert.equal(both.map((result) => result.status).sort(), ["fulfilled", "rejected"]);
});

test("create() gives node ports, and a headless service nothing", async (context) => {
  const { registry } = context;
  const ports = [{ name: "dns", port: 53, protocol: "UDP", nodePort: 30053 }, { name: "dns-tcp", port: 53, nodePort: 30053 }, {
    name: "web",
    port: 80,
  }];
  const { object } = await registry.create(services, service("np", { type: "NodePort", ports }));
  const chosen = object.spec!.ports![2]!.nodePort!;
  assert.ok(chosen >= 30000 && chosen <= 32767);
  const taken = await refused(registry.create(services, service("b", { type: "NodePort", ports: [{ port: 1, nodePort: 30053 }] })));
  assert.match(taken.message, /spec.ports\[0\].nodePort: Invalid value: 30053: provided port is already allocated/);
  const before = await claims(context);
  const headless = await registry.create(services, service("none", { clusterIP: "None" }));
  assert.equal([headless.object.spec!.clusterIPs, await claims(context)], [["None"], before]);
});

test("update() keeps what it is not told about, and returns what is no longer needed", async (context) => {
  const { registry } = context;
  const first = await registry.create(services, service("web", { type: "NodePort" }));
  const { clusterIP, ports } = first.object.spec!;
  const same = await registry.update(services, service("web", { type: "NodePort", selector: { app: "web" } }));
  assert.equal([same.object.spec!.clusterIP, same.object.spec!.ports![0]!.nodePort], [clusterIP, ports![0]!.nodePort]);
  const inner = await registry.update(services, service("web", { type: "ClusterIP" }));
  assert.equal([inner.object.spec!.ports![0]!.nodePort, await claims(context)], [undefined, [`/a/ip/${clusterIP}`]]);
  await registry.update(services, service("web", { type: "ExternalName", externalName: "example.com", ports: undefined }));
  assert.equal(await claims(context), []);
  const back = await registry.update(services, service("web"));
  assert.equal(await claims(context), [`/a/ip/${back.object.spec!.clusterIP}`]);
});

test("delete() returns the addresses", async (context) => {
  const { registry } = context;
  await registry.create(services, service("web", { type: "NodePort", clusterIP: "10.202.0.20" }));
  assert.is((await claims(context)).length, 2);
  await registry.delete(services, key("web"));
  assert.equal(await claims(context), []);
  await registry.create(services, service("other", { clusterIP: "10.202.0.20" }));
});

test("a restart forgets no claim", async (context) => {
  await context.registry.create(services, service("web", { clusterIP: "10.202.0.30" }));
  await reopenRegistry(context);
  assert.is((await refused(context.registry.create(services, service("b", { clusterIP: "10.202.0.30" })))).code, 422);
});

test("repairClaims() adds what is missing, drops what nobody holds, and leaves the rest", async (context) => {
  const { registry, store } = context;
  const kept = (await registry.create(services, service("kept"))).object.spec!.clusterIP!;
  const lost = (await registry.create(services, service("lost", { type: "NodePort" }))).object.spec!;
  const before = await claims(context);
  const text = (value: string) => new TextEncoder().encode(value);
  await store.txn({
    compares: [],
    then: [{ do: "delete", key: `/a/ip/${lost.clusterIP}` }, { do: "put", key: "/a/ip/10.202.9.9", value: text("dead-uid default/dead") }],
  });
  assert.equal(await repairClaims(store, silentLog), { added: 1, removed: 1 });
  assert.equal(await claims(context), before);
  assert.ok(before.includes(`/a/ip/${kept}`));
  assert.equal(await repairClaims(store, silentLog), { added: 0, removed: 0 });
});
