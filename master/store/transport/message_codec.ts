// The words between members, as bytes: version 1. This is a wire format: a number is never given a new meaning, a new word gets a new type, and a change of an
// old one a new version. Little endian. f64 holds whole numbers from 0 to below 2^53; a time may be any number.
//
//   message             = version u8 (1) · type u8 · from f64 · to f64 · term f64 · body
//   PreVote, Vote       = lastIndex f64 · lastTerm f64 · transfer u8
//   …VoteResponse       = granted u8
//   Append              = previousIndex f64 · previousTerm f64 · commit f64 · entries u32 · (term f64 · proposal)*
//                         the first entry stands behind previousIndex, each other behind the one before it
//   AppendResponse      = index f64 · hinted u8 · (if hinted: index f64 · term f64)
//   Heartbeat           = commit f64 · round f64           HeartbeatResponse = round f64
//   Snapshot            = index f64 · term f64 · voters · outgoing · learners · removed · addresses · replacing
//   TimeoutNow          = nothing
//   ReadIndex           = context f64                      ReadIndexResponse = context f64 · index f64
//   Propose             = proposal                         ProposeRejected, ProposeNoRoom = proposer f64 · sequence f64
//   Committed           = index f64 · entry's term f64
//   proposal            = type u8 · time f64 · proposer f64 · sequence f64 · length u32 · payload
//   voters … removed    = count u32 · f64*                 addresses         = count u32 · (member f64 · length u16 · UTF-8)*
//   replacing           = count u32 · (learner f64 · voter f64)*
import { peerCopyBytes } from "../../../shared/limits.ts";
import { assert } from "../../../shared/util/assert.ts";
import type { ConfState } from "../raft/membership.ts";
import type { Body, EntryType, LogEntry, Message, Proposal } from "../raft/message.ts";
import { WireReader, WireWriter } from "./wire.ts";

const version = 1;
// Positions in these lists are the numbers on the wire: append only.
const types = [
  "PreVote",
  "Vote",
  "PreVoteResponse",
  "VoteResponse",
  "Append",
  "AppendResponse",
  "Heartbeat",
  "HeartbeatResponse",
  "Snapshot",
  "TimeoutNow",
  "ReadIndex",
  "ReadIndexResponse",
  "Propose",
  "ProposeRejected",
  "ProposeNoRoom",
  "Committed",
] as const satisfies readonly Body["type"][];
const entryTypes = ["noop", "command", "configuration"] as const satisfies readonly EntryType[];

const proposalBytes = 29;
const entryBytes = 8 + proposalBytes;
/** Everything but lists, payloads and addresses. */
const fixedBytes = 80;

/** In pieces, with `room` bytes left free at the beginning of the first. Long payloads are not copied: a piece is the payload itself. */
export function encodeMessage(message: Message, room = 0): Uint8Array[] {
  const writer = new WireWriter(room + boundOf(message), room);
  writer.u8(version);
  writer.u8(types.indexOf(message.type));
  writer.f64(message.from);
  writer.f64(message.to);
  writer.f64(message.term);
  switch (message.type) {
    case "PreVote":
    case "Vote":
      writer.f64(message.lastIndex);
      writer.f64(message.lastTerm);
      writer.u8(Number(message.transfer));
      break;
    case "PreVoteResponse":
    case "VoteResponse":
      writer.u8(Number(message.granted));
      break;
    case "Append":
      writer.f64(message.previousIndex);
      writer.f64(message.previousTerm);
      writer.f64(message.commit);
      writer.u32(message.entries.length);
      message.entries.forEach((entry, at) => {
        const index = message.previousIndex + 1 + at;
        assert(entry.index === index, `entry ${entry.index} would travel as entry ${index}`);
        writer.f64(entry.term);
        writeProposal(writer, entry);
      });
      break;
    case "AppendResponse":
      writer.f64(message.index);
      writer.u8(message.hint ? 1 : 0);
      if (!message.hint) break;
      writer.f64(message.hint.index);
      writer.f64(message.hint.term);
      break;
    case "Heartbeat":
      writer.f64(message.commit);
      writer.f64(message.round);
      break;
    case "HeartbeatResponse":
      writer.f64(message.round);
      break;
    case "Snapshot":
      writer.f64(message.snapshot.index);
      writer.f64(message.snapshot.term);
      writeConf(writer, message.snapshot.conf);
      break;
    case "TimeoutNow":
      break;
    case "ReadIndex":
      writer.f64(message.context);
      break;
    case "ReadIndexResponse":
      writer.f64(message.context);
      writer.f64(message.index);
      break;
    case "Propose":
      writeProposal(writer, message.proposal);
      break;
    case "ProposeRejected":
    case "ProposeNoRoom":
      writer.f64(message.proposer);
      writer.f64(message.sequence);
      break;
    case "Committed":
      writer.f64(message.index);
      writer.f64(message.entryTerm);
      break;
    default:
      message satisfies never;
  }
  return writer.pieces();
}

function writeProposal(writer: WireWriter, proposal: Proposal): void {
  writer.u8(entryTypes.indexOf(proposal.type));
  writer.f64(proposal.time);
  writer.f64(proposal.proposer);
  writer.f64(proposal.sequence);
  writer.payload(proposal.payload);
}

function writeConf(writer: WireWriter, conf: ConfState): void {
  for (const list of [conf.voters, conf.outgoing, conf.learners, conf.removed]) {
    writer.u32(list.length);
    for (const member of list) writer.f64(member);
  }
  const addresses = Object.entries(conf.addresses);
  writer.u32(addresses.length);
  for (const [member, address] of addresses) {
    writer.f64(Number(member));
    writer.text(address);
  }
  const replacing = Object.entries(conf.replacing ?? {});
  writer.u32(replacing.length);
  for (const [learner, voter] of replacing) {
    writer.f64(Number(learner));
    writer.f64(voter);
  }
}

/** Payloads in the result are views into `bytes`. @throws WireError */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new WireReader(bytes, "a message"), found = reader.u8();
  if (found !== version) throw reader.error(`it has version ${found}, and this program reads version ${version}`);
  const type = reader.oneOf(types, "type of message");
  const envelope = { from: reader.whole(), to: reader.whole(), term: reader.whole() };
  const message = { ...readBody(reader, type, envelope.term), ...envelope } as Message;
  reader.end();
  return message;
}

function readBody(reader: WireReader, type: typeof types[number], term: number): Body {
  switch (type) {
    case "PreVote":
    case "Vote":
      return { type, lastIndex: reader.whole(), lastTerm: reader.whole(), transfer: reader.flag() };
    case "PreVoteResponse":
    case "VoteResponse":
      return { type, granted: reader.flag() };
    case "Append": {
      const previousIndex = reader.whole(), previousTerm = reader.whole(), commit = reader.whole();
      return { type, previousIndex, previousTerm, commit, entries: readEntries(reader, previousIndex, previousTerm, term) };
    }
    case "AppendResponse": {
      const index = reader.whole();
      return reader.flag() ? { type, index, hint: { index: reader.whole(), term: reader.whole() } } : { type, index };
    }
    case "Heartbeat":
      return { type, commit: reader.whole(), round: reader.whole() };
    case "HeartbeatResponse":
      return { type, round: reader.whole() };
    case "Snapshot":
      return { type, snapshot: { index: reader.whole(), term: reader.whole(), conf: readConf(reader) } };
    case "TimeoutNow":
      return { type };
    case "ReadIndex":
      return { type, context: reader.whole() };
    case "ReadIndexResponse":
      return { type, context: reader.whole(), index: reader.whole() };
    case "Propose":
      return { type, proposal: readProposal(reader) };
    case "ProposeRejected":
    case "ProposeNoRoom":
      return { type, proposer: reader.whole(), sequence: reader.whole() };
    case "Committed":
      return { type, index: reader.whole(), entryTerm: reader.whole() };
  }
}

function readEntries(reader: WireReader, previousIndex: number, previousTerm: number, lastTerm: number): LogEntry[] {
  let index = previousIndex, before = previousTerm;
  return reader.list("entries", entryBytes, () => {
    const term = reader.whole();
    // No log has such a thing; let in, it would end the process later as a broken invariant.
    if (term < before || term > lastTerm) {
      throw reader.error(`an entry of term ${term} stands between the terms ${before} and ${lastTerm}`);
    }
    before = term;
    if (++index > Number.MAX_SAFE_INTEGER) throw reader.error("its indexes do not end");
    return { index, term, ...readProposal(reader) };
  });
}

const readProposal = (reader: WireReader): Proposal => ({
  type: reader.oneOf(entryTypes, "type of entry"),
  time: reader.time(),
  proposer: reader.whole(),
  sequence: reader.whole(),
  payload: reader.payload(),
});

function readConf(reader: WireReader): ConfState {
  const ids = (what: string) => reader.list(what, 8, () => reader.whole());
  const voters = ids("voters"), outgoing = ids("outgoing voters"), learners = ids("learners"), removed = ids("removed members");
  const addresses = Object.fromEntries(reader.list("addresses", 10, () => [String(reader.whole()), reader.text()]));
  const replacing = reader.list("replacements", 16, () => [String(reader.whole()), reader.whole()] as const);
  return { voters, outgoing, learners, removed, addresses, ...(replacing.length > 0 && { replacing: Object.fromEntries(replacing) }) };
}

/** Bytes of the message at most, without payloads that travel as they are. */
function boundOf(message: Message): number {
  if (message.type === "Append") return message.entries.reduce((sum, { payload }) => sum + entryBytes + copied(payload), fixedBytes);
  if (message.type === "Propose") return fixedBytes + proposalBytes + copied(message.proposal.payload);
  if (message.type !== "Snapshot") return fixedBytes;
  const { voters, outgoing, learners, removed, addresses, replacing = {} } = message.snapshot.conf;
  const ids = voters.length + outgoing.length + learners.length + removed.length + Object.keys(replacing).length * 2;
  return Object.values(addresses).reduce((sum, address) => sum + 10 + address.length * 3, fixedBytes + ids * 8);
}
const copied = (payload: Uint8Array): number => payload.length < peerCopyBytes ? payload.length : 0;
