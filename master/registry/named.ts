// The registry for one part of the master, which writes under a name of its own: managedFields shows who it was.
import type { Registry } from "./face.ts";

/** Names are those that the same part has upstream, so that tools and people know them. */
export type PartName = "kube-controller-manager" | "kube-scheduler" | "kubelet" | "kube-apiserver";

export const named = (registry: Registry, fieldManager: PartName): Registry => ({
  ...registry,
  create: (kind, object, how) => registry.create(kind, object, { fieldManager, ...how }),
  update: (kind, object, how) => registry.update(kind, object, { fieldManager, ...how }),
  modify: (kind, key, change, how) => registry.modify(kind, key, change, { fieldManager, ...how }),
});
