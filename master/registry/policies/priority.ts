// Which pod goes first: its priority follows from its PriorityClass, and from nothing else (upstream's Priority).
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { type PriorityClass, systemClasses } from "../../../shared/api/kinds/priority_class.ts";
import { qualified } from "../../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import type { Change } from "../change.ts";
import { newPod } from "./new_pod.ts";

const preempts: NonNullable<PodSpec["preemptionPolicy"]> = "PreemptLowerPriority";

export async function podPriority(change: Change): Promise<ApiError | undefined> {
  const spec = newPod(change)?.spec, { kind, object: { metadata: { name = "" } }, context: { world } } = change;
  if (!spec) return undefined;
  const chosen = chooseClass(spec.priorityClassName, [...systemClasses, ...await world.priorityClasses()]);
  if (!chosen && spec.priorityClassName) {
    return forbiddenObject(kind, name, `no PriorityClass with name ${spec.priorityClassName} was found`);
  }
  const { value = 0, preemptionPolicy = preempts } = chosen ?? {};
  if (spec.priority !== undefined && spec.priority !== value) {
    const why =
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    return forbiddenObject(kind, name, why);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    const why =
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`;
    return forbiddenObject(kind, name, why);
  }
  if (chosen) spec.priorityClassName = chosen.metadata!.name!;
  spec.priority = value;
  spec.preemptionPolicy = preemptionPolicy;
  return undefined;
}

/** A second one may not say that it is the default. */
export async function oneDefaultPriority({ kind, object, context: { world } }: Change): Promise<ApiError | undefined> {
  if (qualified(kind) !== "priorityclasses.scheduling.k8s.io" || !(object as PriorityClass).globalDefault) return undefined;
  const other = chooseClass(undefined, await world.priorityClasses())?.metadata?.name, { name = "" } = object.metadata;
  if (other === undefined || other === name) return undefined;
  return forbiddenObject(kind, name, `PriorityClass ${other} is already marked as default. Only one default can exist`);
}

/** Others refer to them whether they are there or not. */
export function systemPriorityStays({ kind, object: { metadata: { name = "" } } }: Change): ApiError | undefined {
  if (qualified(kind) !== "priorityclasses.scheduling.k8s.io" || !systemClasses.some(({ metadata }) => metadata?.name === name)) {
    return undefined;
  }
  return forbiddenObject(kind, name, "this is a system priority class and cannot be deleted");
}

/** The one that is named; without a name the default, and of several defaults the lowest, as upstream. */
export function chooseClass(name: string | undefined, known: readonly PriorityClass[]): PriorityClass | undefined {
  if (name) return known.find(({ metadata }) => metadata?.name === name);
  return known.filter(({ globalDefault }) => globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}
