// How many kinds there may be besides those of the house: every member keeps each of them ready, in memory.
import { qualified } from "../../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import { customResourceDefinitions } from "../../../shared/limits.ts";
import type { Change } from "../change.ts";

export async function fewDefinitions({ kind, object, old, context: { world } }: Change): Promise<ApiError | undefined> {
  if (old || qualified(kind) !== "customresourcedefinitions.apiextensions.k8s.io") return undefined;
  if (await world.definitions() < customResourceDefinitions) return undefined;
  const why = `there may be at most ${customResourceDefinitions} CustomResourceDefinitions`;
  return forbiddenObject(kind, object.metadata.name ?? "", why);
}
