// The part of a change that several policies are about: a pod that is being created.
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { qualified } from "../../../shared/api/resource.ts";
import type { Change } from "../change.ts";

/** It has been decoded, so its fields are of their types; what else is wrong with it, validation says later. */
export function newPod({ kind, object, old }: Change): (Pod & { spec: PodSpec }) | undefined {
  return qualified(kind) === "pods" && !old && object.spec ? object as unknown as Pod & { spec: PodSpec } : undefined;
}
