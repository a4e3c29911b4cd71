// How a violation of the Pod Security Standards is said.
import type { Container } from "../../../../shared/api/kinds/pod/container.ts";

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}
/** Of one it is the verb that has the s. */
export const use = (count: number): string => count === 1 ? "uses" : "use";
export const plural = (word: string, count: number): string => count === 1 ? word : `${word}s`;
export const quoted = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(", ");
type Named = readonly { readonly name: string }[];
/** `container "a"`, `containers "a", "b"` */
export const named = (all: Named, word = "container"): string => `${plural(word, all.length)} ${quoted(all.map(({ name }) => name))}`;
/** `pod and container "a"`, or nothing if it is nobody. */
export const bearers = (pod: boolean, containers: Named): string =>
  [...pod ? ["pod"] : [], ...containers.length > 0 ? [named(containers)] : []].join(" and ");

export function added(
  containers: readonly Pick<Container, "name" | "securityContext">[],
  allowed: readonly string[],
  reason: string,
): Violation | undefined {
  const beyond = ({ securityContext }: Pick<Container, "securityContext">) =>
    (securityContext?.capabilities?.add ?? []).filter((name) => !allowed.includes(name));
  const found = containers.filter((container) => beyond(container).length > 0);
  if (found.length === 0) return undefined;
  const names = [...new Set(found.flatMap(beyond))].sort();
  return { reason, detail: `${named(found)} must not include ${quoted(names)} in securityContext.capabilities.add` };
}
