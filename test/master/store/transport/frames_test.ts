import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { peerFrameBytes } from "../../../../shared/limits.ts";
import { seeded } from "../../../../shared/util/clock.ts";
import {
  end,
  frame,
  FrameReader,
  kind,
  ping,
  pong,
  readEnd,
  readPing,
  readPong,
  readReceived,
  readTaken,
  received,
  taken,
} from "../../../../master/store/transport/frames.ts";
import { WireError } from "../../../../master/store/transport/wire.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("FrameReader");
const all = (reader: FrameReader): { kind: number; body: number[] }[] => {
  const found = [];
  for (let next = reader.next(); next; next = reader.next()) found.push({ kind: next.kind, body: [...next.body] });
  return found;
};

test("finds the same frames wherever the stream is cut", () => {
  const random = seeded(5);
  for (let round = 0; round < 300; round++) {
    const bodies = Array.from(
      { length: 1 + Math.floor(random() * 6) },
      (_, at) => ({ kind: at + 1, body: new Array(Math.floor(random() * 30)).fill(at) }),
    );
    const stream = Buffer.concat(bodies.map(({ kind, body }) => frame(kind as 1, Uint8Array.from(body)))),
      reader = new FrameReader(),
      found = [];
    for (let at = 0; at < stream.length;) {
      const length = 1 + Math.floor(random() * random() * 60);
      reader.push(stream.subarray(at, at + length));
      found.push(...all(reader));
      at += length;
    }
    assert.equal(found, bodies);
    assert.is(reader.held, 0);
  }
});

test("refuses a length beyond its bound before any of it has come", () => {
  const header = (length: number): Uint8Array => new Uint8Array(new Uint32Array([length]).buffer);
  for (
    const [length, words] of [[0, "0 bytes"], [peerFrameBytes + 1, "8388609 bytes, and here it is 1 to 8388608"], [
      0xffff_ffff,
      "4294967295",
    ]] as const
  ) {
    const reader = new FrameReader();
    reader.push(header(length).subarray(0, 3));
    assert.is(reader.next(), undefined);
    reader.push(header(length).subarray(3));
    assert.throws(() => reader.next(), (error: Error) => error instanceof WireError && error.message.includes(words));
  }
  const reader = new FrameReader(10);
  reader.push(frame(kind.ping, new Uint8Array(9)));
  assert.is(reader.next()!.body.length, 9);
  reader.push(frame(kind.ping, new Uint8Array(10)));
  assert.throws(() => reader.next(), (error: Error) => error instanceof WireError);
});

test("holds only what has come of a long frame", () => {
  const reader = new FrameReader(), before = memory();
  reader.push(new Uint8Array(new Uint32Array([peerFrameBytes]).buffer));
  for (let at = 0; at < 100; at++) {
    reader.push(new Uint8Array(10));
    assert.is(reader.next(), undefined);
  }
  assert.is(reader.held, 1004);
  assert.ok(memory() - before < peerFrameBytes / 2, `${memory() - before} bytes more`);
});

test("the short frames say what they were given, and nothing else passes for them", () => {
  const of = (bytes: Uint8Array) => {
    const reader = new FrameReader();
    reader.push(bytes);
    return reader.next()!;
  };
  assert.is(readPing(of(ping(0xffff_ffff))), 0xffff_ffff);
  assert.equal(readPong(of(pong(7, 2 ** 40))), { number: 7, received: 2 ** 40 });
  assert.is(readReceived(of(received(2 ** 52))), 2 ** 52);
  assert.is(readTaken(of(taken(9))), 9);
  assert.is(readEnd(of(end(2 ** 41))), 2 ** 41);
  for (const bad of [frame(kind.received, new Uint8Array(7)), frame(kind.received, new Uint8Array(9)), taken(9)]) {
    assert.throws(() => readReceived(of(bad)), (error: Error) => error instanceof WireError);
  }
});

const memory = (): number =>
  (globalThis as unknown as { process: { memoryUsage(): { arrayBuffers: number } } }).process.memoryUsage().arrayBuffers;
