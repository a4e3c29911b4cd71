/** Something that must never be, was seen. Ends the run. */
export class Violation extends Error {
  override name = "Violation";
}

/** Notes what is so, in words, unless it holds what must hold. */
export type Must = (holds: boolean, what: () => string) => void;
