// A way that the exploration has found, as a scenario script: run through test/kit/raft_script.ts it shows what each step brought about.
import type { Raft } from "../../master/store/raft/raft.ts";
import { rewritten } from "../kit/raft_script.ts";
import { messageWords } from "../kit/raft_words.ts";
import type { Finding, Step } from "./explorer.ts";
import { ids } from "./members.ts";
import type { Situation } from "./situations.ts";

/** @param RaftClass that was explored. @returns commands and transcript */
export function scriptOf({ words, situation, steps }: Finding, RaftClass: typeof Raft): string {
  const commands = [
    `members ${ids.join(" ")} election-ticks 1`,
    ...situationOf(situation),
    ...ids.map((id) => `slow ${id}`),
    ...steps.flatMap(commandsOf),
  ];
  return rewritten([`# ${words}`, ...commands.map((command) => command.startsWith("#") ? command : `> ${command}`)].join("\n"), RaftClass);
}

function situationOf({ disks, messages = [] }: Situation): string[] {
  const commands = disks.map(({ term, vote, log }, at) =>
    `disk ${ids[at]} term ${term} vote ${vote} log ${log.join(" ")}`.replace(/ log $/, "")
  );
  return [...commands, ...messages.map((message) => `# On its way, and not in this script: ${messageWords(message)}`)];
}

function commandsOf(step: Step): string[] {
  if ("message" in step) return [`repeat first ${messageWords(step.message)}`];
  const { member, happening } = step;
  switch (happening) {
    case "tick":
    case "write":
      return [`${happening} ${member}`];
    case "propose":
      return [`propose ${member} x`];
    case "crash":
      return [`crash ${member}`, `restart ${member}`];
    case "crash written":
      return [`crash ${member} written`, `restart ${member}`];
    default:
      return happening satisfies never;
  }
}
