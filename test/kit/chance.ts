// Choices by a seeded generator: the same seed chooses the same, on every machine and runtime.
import type { Random } from "../../shared/util/clock.ts";

/** A whole number below `n`. */
export const upTo = (random: Random, n: number): number => Math.floor(random() * n);
export const pick = <T>(random: Random, values: readonly T[]): T => values[upTo(random, values.length)]!;
export const oneIn = (random: Random, n: number): boolean => random() * n < 1;
/** Each of them or not. */
export const some = <T>(random: Random, values: readonly T[], share = 0.5): T[] => values.filter(() => random() < share);
