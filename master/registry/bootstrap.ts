// What must be there before a cluster can be used. Every master may run it at every start; only what is missing is made.
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { priorityClasses, systemClasses } from "../../shared/api/kinds/priority_class.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { ApiError } from "../../shared/api/status.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Store } from "../store/store.ts";
import { systemNamespaces } from "./admission.ts";
import type { Registry } from "./face.ts";
import { repairClaims } from "./service_ips.ts";

export async function prepareCluster({ registry, store, log }: { registry: Registry; store: Store; log: Log }): Promise<void> {
  for (const name of systemNamespaces) {
    try {
      await registry.get(namespaces, { name });
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === "NotFound")) throw error;
      await createOnce(registry, namespaces, { metadata: { name } });
      log.info("Namespace created", { namespace: name });
    }
  }
  for (const priority of systemClasses) await createOnce(registry, priorityClasses, priority);
  await repairClaims(store, log);
}
async function createOnce<T>(registry: Registry, kind: Kind<T>, object: T): Promise<void> {
  try {
    await registry.create(kind, object);
  } catch (error) {
    // It is there since the last start, or another master was faster.
    if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
  }
}
