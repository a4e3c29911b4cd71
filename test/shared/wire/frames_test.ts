import * as assert from "uvu/assert";
import { sessionFrameBytes } from "../../../shared/limits.ts";
import { channel, Credit, decodeCredit, decodeFrame, encodeCredit, encodeFrame } from "../../../shared/wire/frames.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("frames");

test("decodeFrame() reads what encodeFrame() wrote, and nothing too short or long", () => {
  const frame = { n: 7, channel: channel.stdout, flags: 1, bytes: new Uint8Array([1, 2]) };
  assert.equal(decodeFrame(encodeFrame(frame)), frame);
  assert.is(decodeFrame(new Uint8Array(5)), undefined);
  assert.is(decodeFrame(new Uint8Array(7 + sessionFrameBytes)), undefined);
  assert.is(decodeCredit(encodeCredit(65536)), 65536);
});

test("Credit.take() waits for a grant and never gives more", async () => {
  const credit = new Credit(3), signal = new AbortController();
  assert.is(await credit.take(10, signal.signal), 3);
  const waiting = credit.take(2, signal.signal);
  credit.grant(5);
  assert.is(await waiting, 2);
  assert.is(await credit.take(9, signal.signal), 3);
  const stopped = rejects(credit.take(1, signal.signal));
  signal.abort(new Error("closed"));
  assert.is((await stopped).message, "closed");
});
