// Where a kind's objects come from. Most lie in the registry under their own name; a view shows another kind's; some live only in somebody's memory.
import { Buffer } from "node:buffer";
import type { Kind, KubernetesObject, View } from "../../shared/api/resource.ts";
import { type Fields, matchFields } from "../../shared/api/selector.ts";
import { notFound } from "../../shared/api/status.ts";
import type { Page, Registry, Stored, WatchEvent } from "../registry/registry.ts";
import { methodNotAllowed } from "./errors.ts";

/** The two verbs of what is kept in memory. `list` may ignore everything but the selectors. */
export type Memory = Pick<Registry, "get" | "list">;

export function sourceOf(registry: Registry, kind: Kind, memory: ReadonlyMap<Kind, Memory>): Registry {
  if (kind.view) return throughView(registry, kind, kind.view);
  if (kind.stored !== false) return registry;
  const refuse = () => Promise.reject(methodNotAllowed());
  const { get, list } = memory.get(kind) ?? nothing;
  return { ...registry, get, list, create: refuse, update: refuse, modify: refuse, delete: refuse };
}
const nothing: Memory = {
  get: (kind, { name }) => Promise.reject(notFound(kind, name)),
  list: () => Promise.resolve({ items: [], revision: 1 }),
};

/** Selectors by label reach the stored objects; those by field are asked of what the client sees. A page may therefore be short, but never wrong. */
function throughView(registry: Registry, kind: Kind, { of, read, write }: View<KubernetesObject>): Registry {
  const shown = (stored: Stored): Stored => new ViewedObject(kind, stored, read);
  const hidden = (object: unknown): KubernetesObject => write(object as KubernetesObject);
  const chosen = (fields: Fields) => (stored: Stored): boolean => matchFields(fields, (field) => fieldOf(stored, field));
  const typed = <R>(result: unknown): R => result as R;
  return {
    ...registry,
    create: async (_, object, how) => typed(shown(await registry.create(of, hidden(object), how))),
    get: async (_, key, options) => typed(shown(await registry.get(of, key, options))),
    update: async (_, object, how) => typed(shown(await registry.update(of, hidden(object), how))),
    modify: async (_, key, change, how) =>
      typed(shown(
        await registry.modify(of, key, (object) => {
          const changed = change(read(object) as never);
          return changed === undefined ? undefined : hidden(changed);
        }, how),
      )),
    async delete(_, key, options, how) {
      const { stored, gone } = await registry.delete(of, key, options, how);
      return { stored: typed(shown(stored)), gone };
    },
    async list(_, { fields = [], ...query } = {}) {
      const page = await registry.list(of, query), items = page.items.map(shown).filter(chosen(fields));
      return typed({ ...page, items } satisfies Page<KubernetesObject>);
    },
    async *watch(_, { fields = [], ...query }, signal) {
      const wanted = chosen(fields);
      for await (const batch of registry.watch(of, query, signal)) {
        const events: WatchEvent<KubernetesObject>[] = batch.map((event) =>
          event.type === "BOOKMARK" ? event : { ...event, stored: shown(event.stored) }
        );
        yield typed(events.filter((event) => event.type === "BOOKMARK" || wanted(event.stored)));
      }
    },
  };
}
const fieldOf = (stored: Stored, field: string): string | undefined =>
  field === "metadata.name" ? stored.name : field === "metadata.namespace" ? stored.namespace : stored.fields[field];

/** A stored object as another kind. */
class ViewedObject implements Stored {
  readonly kind: Kind;
  readonly #stored: Stored;
  readonly object: KubernetesObject;
  constructor(kind: Kind, stored: Stored, read: View<KubernetesObject>["read"]) {
    this.kind = kind;
    this.#stored = stored;
    this.object = read(stored.object);
  }
  get namespace(): string {
    return this.#stored.namespace;
  }
  get name(): string {
    return this.#stored.name;
  }
  get uid(): string {
    return this.#stored.uid;
  }
  get revision(): number {
    return this.#stored.revision;
  }
  get labels(): Readonly<Record<string, string>> {
    return this.#stored.labels;
  }
  get fields(): Readonly<Record<string, string>> {
    return Object.fromEntries(Object.entries(this.kind.selectable ?? {}).map(([field, select]) => [field, select(this.object)]));
  }
  get ownerUids(): readonly string[] {
    return this.#stored.ownerUids;
  }
  get deleting(): boolean {
    return this.#stored.deleting;
  }
  bytes(): Uint8Array {
    return Buffer.from(JSON.stringify(this.object));
  }
}
