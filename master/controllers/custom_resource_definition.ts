// Who may use which names, and how a kind goes. Names are given to whoever asks first; a definition whose names are free is established, and every member serves it.
// One that is deleted stays until its objects are gone: none are made any more by then (the registry compares the definition's own revision), so what the cache
// shows is all there is. Conditions and words are those of apiextensions' naming and finalizing controllers.
import {
  cleanupFinalizer,
  type CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
  type CustomResourceDefinitionNames,
  customResourceDefinitions,
} from "../../shared/api/kinds/custom_resource_definition.ts";
import { sameJson } from "../../shared/api/json.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { deletesAtOnce } from "../../shared/limits.ts";
import type { Cache } from "../registry/cache.ts";
import { timestamp } from "../registry/lifecycle.ts";
import type { Context, Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";
import { forEachParallel } from "./parallel.ts";

export type Condition = Omit<CustomResourceDefinitionCondition, "lastTransitionTime" | "observedGeneration">;
/** What others of the same group are called: resources (plural, singular, short names) and kinds (with those of lists). */
export interface Taken {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** Pure: which of its names a definition gets, and what is said about it. A name that it has already stays its own. */
export function planNames(
  { spec: { names }, status }: CustomResourceDefinition,
  { resources, kinds }: Taken,
): { readonly accepted: CustomResourceDefinitionNames; readonly conditions: readonly Condition[] } {
  const had: Partial<CustomResourceDefinitionNames> = status?.acceptedNames ?? {}, accepted = { plural: "", kind: "", ...had };
  let conflict: Condition | undefined;
  const claim = (what: string, wanted: readonly string[], own: readonly string[], taken: ReadonlySet<string>, accept: () => void): void => {
    const refused = wanted.filter((name) => name !== "" && !own.includes(name) && taken.has(name));
    if (refused.length === 0) return accept();
    const message = refused.map((name) => `${JSON.stringify(name)} is already in use`).join(", ");
    conflict = {
      type: "NamesAccepted",
      status: "False",
      reason: `${what}Conflict`,
      message: refused.length > 1 ? `[${message}]` : message,
    };
  };
  const { plural, singular = "", shortNames = [], kind, listKind = "" } = names;
  claim("Plural", [plural], [had.plural ?? ""], resources, () => accepted.plural = plural);
  claim("Singular", [singular], [had.singular ?? ""], resources, () => accepted.singular = singular);
  claim("ShortNames", shortNames, had.shortNames ?? [], resources, () => {
    if (shortNames.length > 0) accepted.shortNames = shortNames;
    else delete accepted.shortNames;
  });
  claim("Kind", [kind], [had.kind ?? ""], kinds, () => accepted.kind = kind);
  claim("ListKind", [listKind], [had.listKind ?? ""], kinds, () => accepted.listKind = listKind);
  if (names.categories) accepted.categories = names.categories;
  else delete accepted.categories;
  const established = status?.conditions?.find(({ type, status }) => type === "Established" && status === "True");
  const yes: Condition = {
    type: "Established",
    status: "True",
    reason: "InitialNamesAccepted",
    message: "the initial names have been accepted",
  };
  const no: Condition = { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" };
  return {
    accepted,
    conditions: [
      conflict ?? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
      conflict && !established ? no : yes,
    ],
  };
}

/** Pure: a status with these conditions. The time of one is that of its last change of status. */
export function withConditions(
  { status = {} }: CustomResourceDefinition,
  conditions: readonly Condition[],
  time: string,
): NonNullable<CustomResourceDefinition["status"]> {
  const before = status.conditions ?? [];
  const made = conditions.map((condition) => {
    const old = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return { ...condition, lastTransitionTime: old?.lastTransitionTime ?? time };
  });
  return { ...status, conditions: [...before.filter(({ type }) => !conditions.some((one) => one.type === type)), ...made] };
}

/** Names of other definitions as they have been accepted, and of the kinds of the house. */
function takenIn(cache: Cache, group: string, except: string): Taken {
  const resources = new Set<string>(), kinds = new Set<string>();
  const take = (
    { plural = "", singular = "", shortNames = [], kind = "", listKind = "" }: Partial<CustomResourceDefinitionNames>,
  ): void => {
    for (const name of [plural, singular, ...shortNames]) resources.add(name);
    kinds.add(kind).add(listKind);
  };
  for (const { name, object } of cache.list(customResourceDefinitions)) {
    if (name !== except && object.spec.group === group) take(object.status?.acceptedNames ?? {});
  }
  for (const kind of cache.kinds.served) {
    if (kind.definition || kind.group !== group) continue;
    take({
      plural: kind.plural,
      singular: kind.singular,
      shortNames: [...kind.short ?? []],
      kind: kind.kind,
      listKind: `${kind.kind}List`,
    });
  }
  return { resources, kinds };
}

const isDefinition = (kind: Kind): boolean => (kind as unknown) === customResourceDefinitions;

export const customResourceDefinitionController: Controller = {
  name: "custom-resource-definitions",
  *keysOf({ kind, before, after }, cache) {
    if (isDefinition(kind)) {
      yield (after ?? before!).name;
      // Names may have become free for others of the group.
      const { group } = ((after ?? before!).object as unknown as CustomResourceDefinition).spec;
      for (const { name, object } of cache.list(customResourceDefinitions)) {
        if (
          object.spec.group === group &&
          object.status?.conditions?.some(({ type, status }) => type === "NamesAccepted" && status === "False")
        ) {
          yield name;
        }
      }
    } else if (kind.definition && !after && cache.get(customResourceDefinitions, "", kind.definition)?.deleting) yield kind.definition;
  },
  *allKeys(cache) {
    for (const { name } of cache.list(customResourceDefinitions)) yield name;
  },
  async reconcile(name, context) {
    const stored = context.cache.get(customResourceDefinitions, "", name);
    if (!stored) return;
    if (stored.deleting) return await finalise(name, stored.object, context);
    const { accepted, conditions } = planNames(stored.object, takenIn(context.cache, stored.object.spec.group, name));
    const time = timestamp(context.clock.now());
    await context.registry.modify(customResourceDefinitions, { name }, (definition) => {
      const status = { ...withConditions(definition, conditions, time), acceptedNames: accepted };
      if (sameJson(status, definition.status)) return;
      definition.status = status;
    }, { subresource: "status" }).catch(unless("NotFound"));
  },
};

async function finalise(name: string, definition: CustomResourceDefinition, { cache, registry, clock }: Context): Promise<void> {
  if (!definition.metadata?.finalizers?.includes(cleanupFinalizer)) return;
  const kind = cache.kinds.definedBy(name)?.stored, objects = kind ? [...cache.list(kind)] : [];
  const say = async (condition: Omit<Condition, "type">): Promise<void> => {
    const time = timestamp(clock.now());
    await registry.modify(customResourceDefinitions, { name }, (definition) => {
      definition.status = withConditions(definition, [{ type: "Terminating", ...condition }], time);
    }, { subresource: "status" }).catch(unless("NotFound"));
  };
  if (objects.length > 0) {
    await say({ status: "True", reason: "InstanceDeletionInProgress", message: "CustomResource deletion is in progress" });
    const error = await forEachParallel(
      objects.filter(({ deleting }) => !deleting),
      deletesAtOnce,
      async ({ kind, namespace, name, uid }) => {
        await registry.delete(kind, { namespace, name }, { preconditions: { uid }, propagationPolicy: "Background" }).catch(
          unless("NotFound", "Conflict"),
        );
      },
    );
    if (error === undefined) return; // the last one to go brings this back
    await say({ status: "True", reason: "InstanceDeletionFailed", message: `could not delete all instances: ${(error as Error).message}` });
    throw error;
  }
  await registry.modify(customResourceDefinitions, { name }, (definition) => {
    definition.metadata!.finalizers = definition.metadata!.finalizers!.filter((other) => other !== cleanupFinalizer);
  }).catch(unless("NotFound"));
}
