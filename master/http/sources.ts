// Where a kind's objects come from. Most lie in the registry; some live only in somebody's memory.
import type { Kind } from "../../shared/api/resource.ts";
import { notFound } from "../../shared/api/status.ts";
import type { Registry } from "../registry/registry.ts";
import { methodNotAllowed } from "./errors.ts";

/** The two verbs of what is kept in memory. `list` may ignore everything but the selectors. */
export type Memory = Pick<Registry, "get" | "list">;

export function sourceOf(registry: Registry, kind: Kind, memory: ReadonlyMap<Kind, Memory>): Registry {
  if (kind.stored !== false) return registry;
  const refuse = () => Promise.reject(methodNotAllowed());
  const { get, list } = memory.get(kind) ?? nothing;
  return { ...registry, get, list, create: refuse, update: refuse, modify: refuse, delete: refuse };
}
const nothing: Memory = {
  get: (kind, { name }) => Promise.reject(notFound(kind, name)),
  list: () => Promise.resolve({ items: [], revision: 1 }),
};
