// A kind's own part of admission, without registry and store: types and defaults, what it inherits, and what is wrong.
import { columnDefinitions, row } from "../../master/http/table.ts";
import { decode } from "../../shared/api/decode.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";

export interface Admitted<T> {
  readonly object: T;
  /** "field: message" of everything that is wrong, in the order found. */
  readonly causes: readonly string[];
}
export function admit<T extends KubernetesObject>(kind: Kind<T>, input: object, old?: T): Admitted<T> {
  const { value, unreadable, unknown, causes } = decode(kind.schema, structuredClone(input));
  if (unreadable.length + unknown.length > 0) throw new Error([...unreadable, ...unknown].join("; "));
  if (causes.length > 0) return { object: value, causes: causes.map(text) };
  if (old) kind.inherit?.(value, old);
  kind.defaults?.(value);
  return { object: value, causes: (kind.validate?.(value, old) ?? []).map(text) };
}
const text = ({ field, message }: { field: string; message: string }): string => `${field}: ${message}`;

/** One row of `kubectl get`, by column. @param now milliseconds since 1970 */
export function cells<T extends KubernetesObject>(kind: Kind<T>, object: object, now = 0): Record<string, unknown> {
  const { cells } = row({ kind, object } as never, now, "None", "v1");
  return Object.fromEntries(columnDefinitions(kind as never).map(({ name }, i) => [name, cells[i]]));
}
