import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { control, controlFrame, dataFrame, FrameReader, type SpdyFrame, u32s } from "../../../../master/http/spdy/frames.ts";
import { spdyControlBytes } from "../../../../shared/limits.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("SPDY frames");
const shown = (frame: SpdyFrame) =>
  frame.is === "data"
    ? [frame.stream, Buffer.from(frame.bytes).toString(), frame.end]
    : [frame.type, frame.flags, Buffer.from(frame.body).toString("hex")];
const stream = Buffer.concat([
  controlFrame(control.ping, u32s(7)),
  dataFrame(3, Buffer.from("hello")),
  dataFrame(3, new Uint8Array(), true),
  controlFrame(control.goAway, new Uint8Array()),
  dataFrame(5, Buffer.from("end"), true),
]);

test("frames come out as they went in", () => {
  assert.equal([...new FrameReader().push(stream)].map(shown), [
    [6, 0, "00000007"],
    [3, "hello", false],
    [3, "", true],
    [7, 0, ""],
    [5, "end", true],
  ]);
});

test("chunks may break anywhere; data is handed on in parts, and ends once", () => {
  for (let size = 1; size < stream.length; size++) {
    const reader = new FrameReader(), texts: Record<number, string> = { 3: "", 5: "" }, ends: number[] = [];
    let pings = 0;
    for (let at = 0; at < stream.length; at += size) {
      for (const frame of reader.push(stream.subarray(at, at + size))) {
        if (frame.is === "control") pings += frame.type === control.ping ? 1 : 0;
        else {
          texts[frame.stream] += Buffer.from(frame.bytes).toString();
          if (frame.end) ends.push(frame.stream);
        }
      }
    }
    assert.equal([texts, ends, pings], [{ 3: "hello", 5: "end" }, [3, 5], 1], `chunks of ${size}`);
  }
});

test("another version, and a control frame beyond the bound, are refused before they are gathered", () => {
  assert.throws(() => [...new FrameReader().push(Uint8Array.of(0x80, 2, 0, 1, 0, 0, 0, 1))], /version 2/);
  const head = controlFrame(control.headers, new Uint8Array(spdyControlBytes + 1)).subarray(0, 8);
  assert.throws(() => [...new FrameReader().push(head)], /the limit is/);
});
