// What a command has of the world: each takes what it needs of it.
import type { Clock, Random } from "../../shared/util/clock.ts";

export interface Surroundings {
  /** Behind the name of the command. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: (count: number) => Uint8Array;
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** A line beside it, for whoever watches. */
  readonly note: (line: string) => void;
}
