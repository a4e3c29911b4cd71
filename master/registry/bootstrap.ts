// What must be there before a cluster can be used. Every master may run it at every start; only what is missing is made.
import { namespaces } from "../../shared/api/kinds/namespace.ts";
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
      await createOnce(registry, name);
      log.info("Namespace created", { namespace: name });
    }
  }
  await repairClaims(store, log);
}
async function createOnce(registry: Registry, name: string): Promise<void> {
  try {
    await registry.create(namespaces, { metadata: { name } });
  } catch (error) {
    // Another master was faster.
    if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
  }
}
