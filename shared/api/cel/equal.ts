// When two values of CEL are the same: the order of keys says nothing, and a whole number is the same as one with a point.

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === "bigint" || typeof b === "bigint") return (typeof a === "number" || typeof b === "number") && a == b;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  const x = entriesOf(a), y = entriesOf(b);
  return x.size === y.size && [...x].every(([key, value]) => y.has(key) && equal(value, y.get(key)));
}
const entriesOf = (value: object): ReadonlyMap<unknown, unknown> => value instanceof Map ? value : new Map(Object.entries(value));
