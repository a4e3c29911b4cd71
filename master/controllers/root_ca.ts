// Every namespace has the cluster's CA in the ConfigMap kube-root-ca.crt: what pods verify the API server with.
import { configMaps } from "../../shared/api/kinds/configmap.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import type { Controller } from "./controller.ts";
import { isNamespaceEnding, unless } from "./expected_errors.ts";

const name = "kube-root-ca.crt";

/** @param certificate PEM */
export function rootCaController(certificate: string): Controller {
  const data = { "ca.crt": certificate };
  return {
    name: "root-ca",
    *keysOf({ kind, before, after }) {
      if (kind.group !== "") return;
      if (kind.plural === "namespaces" && after && !after.deleting) yield after.name;
      if (kind.plural === "configmaps" && (after ?? before)!.name === name) yield (after ?? before)!.namespace;
    },
    *allKeys(cache) {
      for (const { name } of cache.list(namespaces)) yield name;
    },
    async reconcile(namespace, { cache, registry }) {
      const found = cache.get(namespaces, "", namespace), had = cache.get(configMaps, namespace, name);
      if (!found || found.deleting || had?.object.data?.["ca.crt"] === certificate) return;
      // Another CA since: pods must get to know it. Whatever else somebody wrote into it goes.
      const work = had
        ? registry.modify(configMaps, { namespace, name }, (object) => void (object.data = data))
        : registry.create(configMaps, { metadata: { name, namespace }, data });
      await work.catch((error) => {
        if (!isNamespaceEnding(error)) unless("AlreadyExists", "NotFound")(error);
      });
    },
  };
}
