import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { peerCopyBytes } from "../../../../shared/limits.ts";
import { type Random, seeded } from "../../../../shared/util/clock.ts";
import type { Body, LogEntry, Message, Proposal } from "../../../../master/store/raft/message.ts";
import { decodeMessage, encodeMessage } from "../../../../master/store/transport/message_codec.ts";
import { WireError } from "../../../../master/store/transport/wire.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("decodeMessage()");
const most = Number.MAX_SAFE_INTEGER;
const whole = (message: Message, room = 0): Uint8Array => Buffer.concat(encodeMessage(message, room));
/** As text: bytes in hex, whatever the runtime makes of them. */
const plain = (message: unknown): string => JSON.stringify(bytesAsHex(message));
function bytesAsHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(bytesAsHex);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, of]) => [key, bytesAsHex(of)]));
}

test("gives back what encodeMessage() was given, of every type", () => {
  for (const body of examples(seeded(1))) {
    for (const envelope of [{ from: 1, to: 2, term: 2 ** 40 }, { from: most, to: most, term: most }]) {
      const message = { ...body, ...envelope } as Message;
      assert.is(plain(decodeMessage(whole(message))), plain(message));
    }
  }
});

test("gives back what encodeMessage() was given, whatever chance makes of it", () => {
  const random = seeded(2);
  for (let round = 0; round < 300; round++) {
    for (const body of examples(random)) {
      const message = { ...body, from: id(random), to: id(random), term: most } as Message;
      assert.is(plain(decodeMessage(whole(message))), plain(message));
    }
  }
});

test("knows every type of message", () => {
  const known = new Set(examples(seeded(1)).map(({ type }) => type));
  assert.is(known.size, 16);
});

test("leaves long payloads where they are: they go out and come in uncopied", () => {
  const long = new Uint8Array(peerCopyBytes).fill(7), short = new Uint8Array(peerCopyBytes - 1).fill(8);
  const entries = [short, long, short].map((payload, at) => entry(seeded(1), 5 + at, 1, payload));
  const message: Message = { type: "Append", from: 1, to: 2, term: 1, previousIndex: 4, previousTerm: 1, commit: 3, entries };
  const pieces = encodeMessage(message, 5);
  assert.is(pieces.length, 3);
  assert.ok(pieces[1] === long);
  const bytes = Buffer.concat(pieces).subarray(5), decoded = decodeMessage(bytes);
  assert.is(plain(decoded), plain(message));
  for (const { payload } of (decoded as typeof message).entries) assert.ok(payload.buffer === bytes.buffer);
});

test("refuses a version and a type it does not know, and says so", () => {
  const bytes = whole({ type: "TimeoutNow", from: 1, to: 2, term: 3 });
  assert.match(refusal(changed(bytes, 0, 2)), "version 2, and this program reads version 1");
  assert.match(refusal(changed(bytes, 1, 16)), "16 is no type of message");
});

test("refuses numbers that no member means", () => {
  for (const [number, what] of [[-1, "-1"], [0.5, "0.5"], [NaN, "NaN"], [Infinity, "Infinity"], [2 ** 53, "9007199254740992"]] as const) {
    const bytes = Buffer.from(whole({ type: "ReadIndex", from: 1, to: 2, term: 3, context: 4 }));
    bytes.writeDoubleLE(number, bytes.length - 8);
    assert.is(refusal(bytes), `Cannot read a message: ${what} is no whole number from 0 to 2^53`);
  }
});

test("refuses entries whose terms no log can hold", () => {
  const of = (terms: number[], term: number) => {
    const entries = terms.map((entryTerm, at) => entry(seeded(1), 5 + at, entryTerm, new Uint8Array(0)));
    return whole({ type: "Append", from: 1, to: 2, term, previousIndex: 4, previousTerm: 3, commit: 3, entries });
  };
  decodeMessage(of([3, 3, 5], 5));
  assert.match(refusal(of([2], 5)), "an entry of term 2 stands between the terms 3 and 5");
  assert.match(refusal(of([4, 3], 5)), "an entry of term 3 stands between the terms 4 and 5");
  assert.match(refusal(of([6], 5)), "an entry of term 6");
});

test("refuses whatever is cut off, and whatever goes on", () => {
  for (const body of examples(seeded(3))) {
    const bytes = whole({ ...body, from: 1, to: 2, term: most } as Message);
    for (let length = 0; length < bytes.length; length++) assert.match(refusal(bytes.subarray(0, length)), "Cannot read a message");
    assert.match(refusal(Buffer.concat([bytes, new Uint8Array(1)])), "1 bytes follow its end");
  }
});

test("makes nothing of a count or length that the bytes do not bear out", () => {
  const append = Buffer.from(whole({ type: "Append", from: 1, to: 2, term: 1, previousIndex: 0, previousTerm: 0, commit: 0, entries: [] }));
  append.writeUInt32LE(0xffff_ffff, append.length - 4);
  const { result, ms } = timed(() => refusal(append));
  assert.is(result, "Cannot read a message: it claims 4294967295 entries in its last 0 bytes");
  assert.ok(ms < 100, `${ms} ms`);
  const propose = Buffer.from(whole({ type: "Propose", from: 1, to: 2, term: 1, proposal: proposal(seeded(1), new Uint8Array(0)) }));
  propose.writeUInt32LE(0xffff_ffff, propose.length - 4);
  assert.match(refusal(propose), "inside a field");
});

test("takes garbage as what it is: no other error, nothing that grows", () => {
  const random = seeded(4), before = process().heapUsed;
  let accepted = 0, refused = 0;
  const feed = (bytes: Uint8Array): void => {
    try {
      const message = decodeMessage(bytes);
      accepted++;
      assert.is(plain(decodeMessage(whole(message))), plain(message), "what is taken means the same when it is said again");
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      refused++;
    }
  };
  for (let round = 0; round < 5_000; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256));
    if (bytes.length > 2) bytes.set([1, Math.floor(random() * 16)]); // else nearly all would fail at once
    feed(bytes);
  }
  for (let round = 0; round < 400; round++) {
    for (const body of examples(random)) {
      const bytes = Uint8Array.from(whole({ ...body, from: 1, to: 2, term: most } as Message));
      for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = random() < 0.5 ? Math.floor(random() * 256) : bytes[at]! ^ (1 << Math.floor(random() * 8));
      }
      feed(bytes);
    }
  }
  assert.ok(accepted > 500 && refused > 5_000, `${accepted} taken, ${refused} refused: this test does not see both`);
  assert.ok(process().heapUsed - before < 256 * 1024 * 1024, "it holds more than it was given");
});

function examples(random: Random): Body[] {
  const n = () => id(random), flag = () => random() < 0.5;
  const previousIndex = Math.floor(random() * 1e9), previousTerm = Math.floor(random() * 1e6);
  const entries = Array.from(
    { length: Math.floor(random() * 5) },
    (_, at) => entry(random, previousIndex + 1 + at, previousTerm + at, blob(random)),
  );
  const ids = () => Array.from({ length: Math.floor(random() * 4) }, n);
  const addresses = { [n()]: "insel-ä.example:6444", [n()]: "" }, replacing = { [n()]: n(), [n()]: n() };
  const conf = { voters: ids(), outgoing: ids(), learners: ids(), removed: ids(), addresses, ...(flag() && { replacing }) };
  return [
    { type: "PreVote", lastIndex: n(), lastTerm: n(), transfer: flag() },
    { type: "Vote", lastIndex: n(), lastTerm: n(), transfer: flag() },
    { type: "PreVoteResponse", granted: flag() },
    { type: "VoteResponse", granted: flag() },
    { type: "Append", previousIndex, previousTerm, entries, commit: n() },
    { type: "AppendResponse", index: n() },
    { type: "AppendResponse", index: n(), hint: { index: n(), term: n() } },
    { type: "Heartbeat", commit: n(), round: n() },
    { type: "HeartbeatResponse", round: n() },
    { type: "Snapshot", snapshot: { index: n(), term: n(), conf } },
    { type: "TimeoutNow" },
    { type: "ReadIndex", context: n() },
    { type: "ReadIndexResponse", context: n(), index: n() },
    { type: "Propose", proposal: proposal(random, blob(random)) },
    { type: "ProposeRejected", proposer: n(), sequence: n() },
    { type: "ProposeNoRoom", proposer: n(), sequence: n() },
    { type: "Committed", index: n(), entryTerm: n() },
  ];
}
function entry(random: Random, index: number, term: number, payload: Uint8Array): LogEntry {
  return { ...proposal(random, payload), index, term };
}
function proposal(random: Random, payload: Uint8Array): Proposal {
  const types = ["noop", "command", "configuration"] as const;
  return { type: types[Math.floor(random() * 3)]!, time: (random() - 0.5) * 4e12, proposer: id(random), sequence: id(random), payload };
}
const id = (random: Random): number => random() < 0.2 ? [0, 1, most][Math.floor(random() * 3)]! : Math.floor(random() * most);
const blob = (random: Random): Uint8Array => Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
const changed = (bytes: Uint8Array, at: number, to: number): Uint8Array =>
  Uint8Array.from(bytes, (byte, index) => index === at ? to : byte);
const process = () => (globalThis as unknown as { process: { memoryUsage(): { heapUsed: number } } }).process.memoryUsage();

function refusal(bytes: Uint8Array): string {
  try {
    decodeMessage(bytes);
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}
function timed<T>(work: () => T): { result: T; ms: number } {
  const start = performance.now(), result = work();
  return { result, ms: performance.now() - start };
}
