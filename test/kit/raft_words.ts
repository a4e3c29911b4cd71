// Raft's messages, entries and members in words: what scenario scripts show, and by which they pick messages.
import { Buffer } from "node:buffer";
import { type ConfState, decodeConfChange, type MemberChange } from "../../master/store/raft/membership.ts";
import type { LogEntry, Message, Proposal } from "../../master/store/raft/message.ts";

/** One line: who to whom, what, in which term, and what it says. */
export function messageWords(message: Message): string {
  return `${message.from}→${message.to} ${message.type} term ${message.term}${details(message)}`;
}

function details(message: Message): string {
  switch (message.type) {
    case "PreVote":
    case "Vote":
      return `, log ends ${message.lastIndex}@${message.lastTerm}${message.transfer ? ", by transfer" : ""}`;
    case "PreVoteResponse":
    case "VoteResponse":
      return message.granted ? ": granted" : ": refused";
    case "Append":
      return ` behind ${message.previousIndex}@${message.previousTerm}: ${entriesWords(message.entries)}; commit ${message.commit}`;
    case "AppendResponse":
      return message.hint ? `: not behind ${message.index}, perhaps ${message.hint.index}@${message.hint.term}` : `: has ${message.index}`;
    case "Heartbeat":
      return `, commit ${message.commit}${message.round ? `, round ${message.round}` : ""}`;
    case "HeartbeatResponse":
      return message.round ? `, round ${message.round}` : "";
    case "Snapshot":
      return `: ${message.snapshot.index}@${message.snapshot.term}`;
    case "TimeoutNow":
      return "";
    case "Committed":
      return ` ${message.index}@${message.entryTerm}`;
    case "ReadIndex":
      return `: read ${message.context}`;
    case "ReadIndexResponse":
      return `: read ${message.context} at ${message.index}`;
    case "Propose":
      return `: ${proposalWords(message.proposal)}${timeWords(message.proposal)}`;
    case "ProposeRejected":
    case "ProposeNoRoom":
      return `: ${message.sequence}`;
    default:
      return message satisfies never;
  }
}

/** `3@2 a, 4@2 noop`: index, term, what each says, and when, if it says that. */
export const entriesWords = (entries: readonly LogEntry[]): string =>
  entries.length === 0
    ? "nothing"
    : entries.map((entry) => `${entry.index}@${entry.term} ${proposalWords(entry)}${timeWords(entry)}`).join(", ");

const timeWords = ({ time }: Proposal): string => time === 0 ? "" : ` at ${time}`;
function proposalWords({ type, payload }: Proposal): string {
  if (type === "noop") return "noop";
  if (type === "configuration") {
    const { changes, genesis } = decodeConfChange(payload);
    return `(${genesis ? `genesis: ${confWords(genesis)}` : changeWords(changes)})`;
  }
  return payload.length > 64 ? `${payload.length / 1024} KiB` : Buffer.from(payload).toString();
}
const changeWords = (changes: readonly MemberChange[]): string =>
  changes.length === 0 ? "leave joint" : changes.map(({ do: operation, member }) => `${operation} ${member}`).join(", ");

/** `voters 1 2 4, outgoing 1 2 3, learners 5`; what is empty is left out. */
export const confWords = ({ voters, outgoing, learners }: ConfState): string =>
  [
    `voters ${voters.join(" ") || "none"}`,
    ...(outgoing.length > 0 ? [`outgoing ${outgoing.join(" ")}`] : []),
    ...(learners.length > 0 ? [`learners ${learners.join(" ")}`] : []),
  ].join(", ");

/** `1 1 2 2 4`: the terms of a log's entries, with where it begins if not at 1. */
export function logWords(log: { firstIndex: number; lastIndex: number; termAt(index: number): number | undefined }): string {
  const terms = Array.from({ length: log.lastIndex - log.firstIndex + 1 }, (_, at) => log.termAt(log.firstIndex + at));
  const base = log.firstIndex === 1 ? "" : `(up to ${log.firstIndex - 1}@${log.termAt(log.firstIndex - 1)}) `;
  return `${base}${terms.join(" ") || "empty"}`;
}
