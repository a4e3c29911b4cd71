// A real registry over the real store, whose log is this process's memory, with the namespace "default".
import { kinds } from "../../shared/api/kinds/mod.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { storeLiveBytes } from "../../shared/limits.ts";
import { HandCrankedClock, seeded, systemClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { createRegistry, type Registry } from "../../master/registry/registry.ts";
import type { ServiceConfig } from "../../master/registry/service_ips.ts";
import { EmbeddedStore } from "../../master/store/face.ts";
import { State } from "../../master/store/state.ts";
import type { Store } from "../../master/store/store.ts";
import { InstantReplica } from "./instant_replica.ts";

export interface RegistryContext {
  readonly store: Store;
  readonly registry: Registry;
  /** What the registry takes for the time; the store's timers run on the system's. */
  readonly clock: HandCrankedClock;
}

export async function openRegistry(config?: ServiceConfig): Promise<RegistryContext> {
  const state = new State(), clock = new HandCrankedClock(), random = seeded(7);
  const storeClock = { ...systemClock, now: () => clock.now() };
  const store = new EmbeddedStore(
    { clock: storeClock, log: silentLog, state, replica: new InstantReplica(state, storeClock) },
    { quotaBytes: storeLiveBytes },
  );
  const registry = createRegistry({ store, clock, random, log: silentLog, kinds }, config);
  await registry.create(namespaces, { metadata: { name: "default" } });
  return { store, registry, clock };
}
export const closeRegistry = ({ store }: RegistryContext): Promise<void> => store.close();
