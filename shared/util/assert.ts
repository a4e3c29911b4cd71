/** Broken invariants end the work at once: a restart from disk is safer than a guess. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** @throws InvariantError when `condition` does not hold; the message should carry the values. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
