// A real registry over a real store on a temporary directory, with the namespace "default".
import { kinds } from "../../shared/api/kinds/mod.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { storeLiveBytes } from "../../shared/limits.ts";
import { type Clock, seeded, systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { createRegistry, type Registry } from "../../master/registry/registry.ts";
import type { ServiceConfig } from "../../master/registry/service_ips.ts";
import { openStore } from "../../master/store/embedded.ts";
import { EmbeddedStore } from "../../master/store/face.ts";
import { nodeFiles } from "../../master/store/files.ts";
import { State } from "../../master/store/state.ts";
import type { Store } from "../../master/store/store.ts";
import { InstantReplica } from "./instant_replica.ts";
import { removeTestDirectory, testDirectory } from "./test_directory.ts";

export interface RegistryContext {
  readonly dataDir: string;
  store: Store;
  registry: Registry;
  /** By how many ms the registry's clock differs from the machine's. */
  skewMs: number;
}

export async function openRegistry(config?: ServiceConfig): Promise<RegistryContext> {
  const context = { dataDir: testDirectory("registry"), skewMs: 0 } as RegistryContext;
  await open(context, 7, config);
  await newNamespace(context.registry, "default");
  return context;
}
/** With its ServiceAccount, without which no pod can be made: in a cluster a controller makes it. */
export async function newNamespace(registry: Registry, name: string): Promise<void> {
  await registry.create(namespaces, { metadata: { name } });
  await registry.create(serviceAccounts, { metadata: { name: "default", namespace: name } });
}
/** One that forgets everything, and costs no disk. */
export async function openForgetfulRegistry(): Promise<RegistryContext> {
  const state = new State(), replica = new InstantReplica(state, systemClock), random = seeded(7);
  const store = new EmbeddedStore({ clock: systemClock, log: silentLog, state, replica }, { quotaBytes: storeLiveBytes });
  const registry = createRegistry({ store, clock: systemClock, random, log: silentLog, kinds });
  await newNamespace(registry, "default");
  return { dataDir: testDirectory("registry"), store, registry, skewMs: 0 };
}
/** The same data, opened by another process later on. */
export async function reopenRegistry(context: RegistryContext, config?: ServiceConfig): Promise<void> {
  await context.store.close();
  await open(context, 8, config);
}
export async function closeRegistry({ store, dataDir }: RegistryContext): Promise<void> {
  try {
    await store.close();
  } finally {
    removeTestDirectory(dataDir);
  }
}

async function open(context: RegistryContext, seed: number, config?: ServiceConfig): Promise<void> {
  const random = seeded(seed), clock: Clock = { ...systemClock, now: () => systemClock.now() + context.skewMs };
  context.store = await openStore({ clock: systemClock, random, files: nodeFiles, log: silentLog }, { dataDir: context.dataDir });
  context.registry = createRegistry({ store: context.store, clock, random, log: silentLog, kinds }, config);
}
