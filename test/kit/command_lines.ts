// Lines of kubectl with what their user is to see: tables of them are in test/processes/commands/.
import { eventually } from "./eventually.ts";
import type { Kubectl, Outcome, RunOptions } from "./kubectl.ts";

/** A text is all that is printed, a pattern a part of it. */
export type Seen = string | RegExp;
export interface Line extends RunOptions {
  readonly line: string;
  /** Exit code; with `forMs` it is not looked at. */
  readonly code: number;
  readonly out?: Seen | undefined;
  readonly err?: Seen | undefined;
  /** First and last release of kubectl that knows it so. */
  readonly since?: string;
  readonly until?: string;
  /** Asked until it is so. */
  readonly soon?: boolean;
}
/** Lines that follow each other, in a namespace of their own, which they call %NS, with a directory of their own, %DIR. */
export interface Scenario {
  readonly name: string;
  readonly lines: readonly Line[];
  /** It moves nodes under everybody's feet. */
  readonly alone?: boolean;
}
type More = Partial<Omit<Line, "line" | "soon">>;

export const ok = (line: string, out?: Seen, more: More = {}): Line => ({ line, code: 0, out, ...more });
/** `err`: what it prints on stderr. */
export const fails = (line: string, err: Seen, more: More = {}): Line => ({ line, code: 1, err, ...more });
export const soon = (line: string, out: Seen, more: More = {}): Line => ({ line, code: 0, out, soon: true, ...more });

const release = (version: string): number => Number(version.split(".")[1]);
/** Does this kubectl run the line? One without a known version runs what all of them run. */
export const applies = ({ since, until }: Line, version: string): boolean =>
  (since === undefined || release(version) >= release(since)) && (until === undefined || release(version) <= release(until));

/** Runs them all, one after the other, and says which were not as they should be. @param words put in place of %NS and %DIR */
export async function runLines(
  kubectl: Kubectl,
  lines: readonly Line[],
  words: { readonly NS: string; readonly DIR: string },
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const line of lines) await runLine(kubectl, line, words).catch((error) => void wrong.push(error.message));
  return wrong;
}

async function runLine(kubectl: Kubectl, line: Line, words: Readonly<Record<string, string>>): Promise<void> {
  const fill = (text: string): string => Object.entries(words).reduce((all, [word, value]) => all.replaceAll(`%${word}`, value), text);
  const run = async (): Promise<true> => {
    const { input, env, forMs } = line;
    const outcome = await kubectl.run(`-n ${words.NS} ${fill(line.line)}`, {
      ...input !== undefined && { input: fill(input) },
      ...env && { env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])) },
      ...forMs !== undefined && { forMs },
    });
    const problem = difference(line, outcome, fill);
    if (problem) {
      throw new Error(`kubectl ${fill(line.line)}\n${problem}; it ended with ${outcome.code} and said:\n${outcome.out}${outcome.err}`);
    }
    return true;
  };
  await (line.soon ? eventually(line.line, run, { withinMs: 60_000, everyMs: 300 }) : run());
}

/** What is not as it should be. */
function difference(line: Line, outcome: Outcome, fill: (text: string) => string): string | undefined {
  if (line.forMs === undefined && outcome.code !== line.code) return `should end with ${line.code}`;
  for (const stream of ["out", "err"] as const) {
    const seen = line[stream], said = outcome[stream];
    if (typeof seen === "string" && said !== fill(seen)) return `std${stream} should be ${JSON.stringify(fill(seen))}`;
    if (seen instanceof RegExp && !new RegExp(fill(seen.source), seen.flags).test(said)) return `std${stream} should match ${seen}`;
  }
  return undefined;
}
