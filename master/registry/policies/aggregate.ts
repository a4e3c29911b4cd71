// Several problems in one sentence, as Go's errors.Aggregate says them.
import { reportedProblems } from "../../../shared/limits.ts";

export function aggregate(problems: readonly string[]): string {
  const different = [...new Set(problems)].slice(0, reportedProblems);
  return different.length === 1 ? different[0]! : `[${different.join(", ")}]`;
}
