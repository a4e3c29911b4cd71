import type { Taint } from "../node.ts";
import type { Toleration } from "./pod_spec.ts";

/** Does it bear this taint? For how long is another question. */
export function tolerates(
  toleration: Toleration,
  { key, value = "", effect }: Pick<Taint, "key" | "effect"> & { value?: string },
): boolean {
  if (toleration.effect && toleration.effect !== effect) return false;
  if (!toleration.key) return toleration.operator === "Exists";
  if (toleration.key !== key) return false;
  return toleration.operator === "Exists" || (toleration.value ?? "") === value;
}
