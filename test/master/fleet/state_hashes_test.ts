// What the cluster remembers of its nodes' states, over a real registry and a clock that is cranked by hand.
import * as assert from "uvu/assert";
import { kinds } from "../../../shared/api/kinds/mod.ts";
import { leases } from "../../../shared/api/kinds/lease.ts";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { stateHashStoredMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { StateHashes } from "../../../master/fleet/state_hashes.ts";
import { type Cache, startCache } from "../../../master/registry/cache.ts";
import { until } from "../../kit/eventually.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

interface Context extends RegistryContext {
  cache: Cache;
  clock: HandCrankedClock;
  hashes: StateHashes;
  stop: AbortController;
  running: Promise<void>;
}
const test = suite<Context>("state hashes", {
  async setup() {
    const opened = await openRegistry(), { registry, store } = opened, stop = new AbortController(), clock = new HandCrankedClock();
    await registry.create(namespaces, { metadata: { name: "kube-node-lease" } });
    await registry.create(leases, { metadata: { name: "pi", namespace: "kube-node-lease" }, spec: { holderIdentity: "pi" } } as never);
    const cache = await startCache({ store, kinds, log: silentLog }, new AbortController().signal);
    const hashes = new StateHashes({ registry, cache, clock, log: silentLog });
    return Object.assign(opened, { cache, clock, hashes, stop, running: hashes.run(stop.signal) });
  },
  async teardown(context) {
    context.stop.abort();
    await context.running;
    await closeRegistry(context);
  },
});

/** For the loop to see what was noted. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test("note() writes the newest hash once, when its time has come, and leaves the lease as it was otherwise", async ({ hashes, clock, registry }) => {
  const before = registry.revision();
  hashes.note("pi", "a");
  hashes.note("pi", "b");
  await turn();
  clock.advance(stateHashStoredMs - 1);
  assert.is(hashes.of("pi"), undefined);
  await turn();
  clock.advance(1);
  await until(() => hashes.of("pi") === "b");
  assert.is(registry.revision(), before + 1);
  assert.is((await registry.get(leases, { namespace: "kube-node-lease", name: "pi" })).object.spec?.holderIdentity, "pi");
});

test("note() of what the log has costs nothing, and a node without a lease is no trouble", async ({ hashes, clock, registry }) => {
  hashes.note("pi", "a");
  await turn();
  clock.advance(stateHashStoredMs);
  await until(() => hashes.of("pi") === "a");
  const before = registry.revision();
  hashes.note("pi", "a");
  hashes.note("nobody", "a");
  await turn();
  clock.advance(stateHashStoredMs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(registry.revision(), before);
  assert.is(hashes.of("nobody"), undefined);
});

test("run() writes what still waits before it ends", async ({ hashes, stop, running, registry }) => {
  hashes.note("pi", "c");
  stop.abort();
  await running;
  const { object } = await registry.get(leases, { namespace: "kube-node-lease", name: "pi" });
  assert.is(object.metadata?.annotations?.["skerry.dev/state-hash"], "c");
});
