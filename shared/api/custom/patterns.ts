// Regular expressions that somebody else has written: RE2, which takes no longer than the text is long, whatever the expression.
import { RE2JS } from "re2js";
import { patternsRemembered } from "../../limits.ts";

export interface Pattern {
  /** Is it found anywhere in the text? */
  test(text: string): boolean;
}
const known = new Map<string, Pattern>();

/** @throws SyntaxError in RE2's own words */
export function compilePattern(pattern: string): Pattern {
  const before = known.get(pattern);
  if (before) return before;
  let compiled: Pattern;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    throw new SyntaxError((error as Error).message, { cause: error });
  }
  if (known.size >= patternsRemembered) known.delete(known.keys().next().value!);
  known.set(pattern, compiled);
  return compiled;
}

/** What it finds, from left to right, at most so many. @throws SyntaxError */
export function findAll(pattern: string, text: string, most = Infinity): string[] {
  const matcher = (compilePattern(pattern) as RE2JS).matcher(text), found: string[] = [];
  while (found.length < most && matcher.find()) found.push(matcher.group() ?? "");
  return found;
}
