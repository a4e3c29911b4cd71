import type { Registry } from "../registry/face.ts";

/** The registry, remembering the newest revision that was written through it. */
export function tracked(registry: Registry): Registry & { readonly written: number } {
  let written = 0;
  const note = async <R extends { revision: number }>(work: Promise<R>): Promise<R> => {
    const stored = await work;
    written = Math.max(written, stored.revision);
    return stored;
  };
  return {
    ...registry,
    create: (kind, object, how) => note(registry.create(kind, object, how)),
    update: (kind, object, how) => note(registry.update(kind, object, how)),
    modify: (kind, key, change, how) => note(registry.modify(kind, key, change, how)),
    async delete(kind, key, options, how) {
      const result = await registry.delete(kind, key, options, how);
      written = Math.max(written, result.stored.revision);
      return result;
    },
    get written() {
      return written;
    },
  };
}
