// A real registry over a real store on a temporary directory, with the namespace "default".
import { kinds } from "../../shared/api/kinds/mod.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { type Clock, seeded, systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { createRegistry, type Registry } from "../../master/registry/registry.ts";
import type { ServiceConfig } from "../../master/registry/service_ips.ts";
import { openStore } from "../../master/store/embedded.ts";
import { nodeFiles } from "../../master/store/files.ts";
import type { Store } from "../../master/store/store.ts";
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
