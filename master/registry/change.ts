// What the steps of admission look at: one change of one object, and what must be known about the rest of the world.
import type { Kind } from "../../shared/api/resource.ts";
import type { ApiError } from "../../shared/api/status.ts";
import type { Draft } from "./lifecycle.ts";

export interface AdmissionContext {
  /** As in WriteOptions. */
  readonly subresource?: string | undefined;
  /** Who asks; undefined: the system itself. */
  readonly user?: { readonly name: string; readonly groups: readonly string[]; readonly uid?: string } | undefined;
  /** For managedFields. `operation`: "Apply" where what becomes of them is known already. Absent: nobody keeps them. */
  readonly writer?: { readonly manager: string; readonly operation: "Apply" | "Update"; readonly time: string } | undefined;
  /** State of the namespace it is created in. */
  readonly namespace?: "absent" | "active" | "terminating" | undefined;
  /** The writer's own last word on the object that would be stored: what they may not give to others. */
  readonly vet?: ((change: Change) => ApiError | undefined) | undefined;
  /** For new Pods. */
  readonly priorityClasses?: readonly PriorityClassFacts[] | undefined;
}
export interface PriorityClassFacts {
  readonly name: string;
  readonly value: number;
  readonly globalDefault: boolean;
  readonly preemptionPolicy: string;
}
export interface Change {
  readonly kind: Kind;
  object: Draft;
  /** Undefined: it is being created. */
  readonly old: Draft | undefined;
  readonly context: AdmissionContext;
}
/** An error refuses. */
export type Step = (change: Change) => ApiError | undefined;
