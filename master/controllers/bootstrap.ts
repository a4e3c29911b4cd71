// What every cluster has from its first moment: the namespaces that clients and controllers rely on.
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import type { Registry } from "../registry/face.ts";
import { unless } from "./replicaset.ts";

export const ownNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;

/** Idempotent. */
export async function bootstrap(registry: Registry): Promise<void> {
  await Promise.all(
    ownNamespaces.map((name) => registry.create(namespaces, { metadata: { name } } as never).catch(unless("AlreadyExists"))),
  );
}
