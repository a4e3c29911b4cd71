// Every namespace has an identity for its pods: the ServiceAccount "default".
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import type { Controller } from "./controller.ts";
import { isNamespaceEnding, unless } from "./expected_errors.ts";

const name = "default";

export const serviceAccountController: Controller = {
  name: "service-account",
  *keysOf({ kind, before, after }) {
    if (kind.group !== "") return;
    if (kind.plural === "namespaces" && after && !after.deleting) yield after.name;
    if (kind.plural === "serviceaccounts" && !after && before!.name === name) yield before!.namespace;
  },
  *allKeys(cache) {
    for (const { name } of cache.list(namespaces)) yield name;
  },
  async reconcile(namespace, { cache, registry }) {
    const found = cache.get(namespaces, "", namespace);
    if (!found || found.deleting || cache.get(serviceAccounts, namespace, name)) return;
    await registry.create(serviceAccounts, { metadata: { name, namespace } }).catch((error) => {
      if (!isNamespaceEnding(error)) unless("AlreadyExists", "NotFound")(error);
    });
  },
};
