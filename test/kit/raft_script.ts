// Scenario scripts: what is done to a few Raft members, and below each command what they do. A script is text:
//
//   # What it shows, and why that matters.
//   > members 1 2 3
//   > campaign 1
//     1 becomes preCandidate
//     …
//
// Lines that begin with "> " are commands (raft_commands.ts has them all), with "#" comments, with two spaces the transcript. Messages stand as `from→to Type term
// …`; a command that picks some of them takes every message in flight whose line contains its words, and what a message brought about stands indented below it.
import type { Raft } from "../../master/store/raft/raft.ts";
import { Play } from "./raft_commands.ts";

/** Runs every command of `text` on `RaftClass`. @returns the same text with the transcript that came out */
export function rewritten(text: string, RaftClass: typeof Raft): string {
  const play = new Play(RaftClass), lines: string[] = [];
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith("  ")) continue; // an older transcript
    lines.push(line);
    if (!line.startsWith("> ")) continue;
    try {
      play.run(line.slice(2));
      lines.push(...folded(play.stage.takeLines()).map((told) => `  ${told}`));
    } catch (error) {
      lines.push(`  FAILED: ${(error as Error).message}`);
      break;
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Lines that repeat the one before are counted instead. */
function folded(lines: readonly string[]): string[] {
  const result: string[] = [];
  let count = 1;
  lines.forEach((line, at) => {
    if (line === lines[at + 1]) return void count++;
    result.push(count > 1 ? `${line} (${count} times)` : line);
    count = 1;
  });
  return result;
}
