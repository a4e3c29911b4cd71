// What goes into the transaction that writes an object besides the object: what must be so, and what else is written then.
import type { Compare, Operation } from "../store/store.ts";

export interface Claim {
  readonly compares: readonly Compare[];
  readonly then: readonly Operation[];
}
export const noClaim: Claim = { compares: [], then: [] };
