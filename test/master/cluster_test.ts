import * as assert from "uvu/assert";
import { keepAddress } from "../../master/cluster.ts";
import { addressRetryMs } from "../../shared/limits.ts";
import { HandCrankedClock } from "../../shared/util/clock.ts";
import { silentLog } from "../../shared/util/log.ts";
import { suite } from "../kit/suite.ts";

const test = suite("cluster");
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test("keepAddress() asks for one move at a time, again after a while where that fails, and no more after the end", async () => {
  const clock = new HandCrankedClock(), stop = new AbortController(), asked: ((error: Error) => void)[] = [];
  let tell = () => {};
  const members = {
    self: 1,
    find: () => ({ id: 1, role: "leader" as const, address: "old:1" }),
    move: () => new Promise<void>((_, reject) => void asked.push(reject)),
    subscribe: (observer: () => void) => (tell = observer, () => tell = () => {}),
  };
  keepAddress(members, "new:1", { clock, log: silentLog, signal: stop.signal });
  for (let times = 0; times < 3; times++) tell();
  assert.is(asked.length, 1);
  asked[0]!(new Error("no majority"));
  await turn();
  clock.advance(addressRetryMs);
  assert.is(asked.length, 2);
  asked[1]!(new Error("no majority"));
  await turn();
  stop.abort();
  clock.advance(10 * addressRetryMs);
  tell();
  assert.is(asked.length, 2);
});
