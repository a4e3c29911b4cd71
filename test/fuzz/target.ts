// What is fuzzed: a part of the system that takes bytes from strangers.
import type { Random } from "../../shared/util/clock.ts";

export interface Target<C = unknown> {
  readonly name: string;
  /** Cases after which everything is opened anew: what a case finds depends on those before it in its life, and on no others. */
  readonly casesPerLife: number;
  /** The same for the same numbers, whatever happened before. */
  make(random: Random): C;
  /** So that a person can see, and send, what was sent. */
  show(made: C): string;
  open(): Promise<World<C>>;
}
export interface World<C> {
  /** Resolves with what is wrong about how it was taken; rejects when that could not even be said. */
  run(made: C): Promise<string | undefined>;
  close(): Promise<void>;
}
/** A target among others, whatever its cases are. */
export const target = <C>(of: Target<C>): Target => of as never;

/** The generator of one case: chosen by its numbers alone, so that it can be had again without those before it. */
export function caseSeed(seed: number, name: string, index: number): number {
  let mixed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  for (const character of name) mixed = Math.imul(mixed ^ character.codePointAt(0)!, 0x01000193);
  mixed ^= mixed >>> 15;
  return Math.imul(mixed, 0xc2b2ae35) >>> 0;
}
