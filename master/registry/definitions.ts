// From definitions in the cache to kinds in its KindSet: what a definition makes of the objects that are in the cache already is made of them, too.
import { customResourceDefinitions } from "../../shared/api/kinds/custom_resource_definition.ts";
import { type DefinedKinds, kindsOf } from "../../shared/api/custom/kinds_of.ts";
import type { Kind } from "../../shared/api/resource.ts";
import type { Log } from "../../shared/util/log.ts";
import { type CacheIndex } from "./cache_index.ts";
import { decode, keyOf, prefixOf, resourceOf } from "./codec.ts";
import type { Mine, Stored } from "./face.ts";
import type { KindSet } from "./kind_set.ts";

export const definitions = customResourceDefinitions as unknown as Kind;
export const definitionsPrefix = prefixOf(definitions);

/** @param said each definition as it is now, or the name of one that is gone  @returns kinds of which nothing is in the cache yet */
export function learn(said: Iterable<Stored | string>, { kinds, index, log }: { kinds: KindSet; index: CacheIndex; log: Log }): Kind[] {
  const fresh: Kind[] = [], changes: [string, DefinedKinds | undefined][] = [];
  for (const one of said) {
    const name = typeof one === "string" ? one : one.name, before = kinds.definedBy(name);
    const after = typeof one === "string" ? undefined : kindsOrNone(one, log);
    if (!before && !after) continue;
    changes.push([name, after]);
    if (after && before) renew(index, before.stored, after.stored);
    else if (before) drop(index, before.stored);
    else fresh.push(after!.stored);
  }
  kinds.define(changes);
  return fresh;
}
/** A definition has been checked before it was stored; but perhaps by another release than this one. */
function kindsOrNone({ name, object }: Stored, log: Log): DefinedKinds | undefined {
  try {
    return kindsOf(object as never);
  } catch (error) {
    log.error("Cannot serve what a CustomResourceDefinition defines", { definition: name, error });
    return undefined;
  }
}
/** Whoever reads them reads by the new schema. */
function renew(index: CacheIndex, before: Kind, after: Kind): void {
  for (const stored of [...index.list(resourceOf(before))]) {
    const { namespace, name, revision: modRevision, value } = stored as Mine<unknown>;
    index.replace(stored, decode(after, { key: keyOf(after, namespace, name), value, modRevision }));
  }
}
function drop(index: CacheIndex, kind: Kind): void {
  for (const stored of [...index.list(resourceOf(kind))]) index.replace(stored, undefined);
}
