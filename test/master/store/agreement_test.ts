// Three states behind one log, as three members have them.
import * as assert from "uvu/assert";
import { Agreement, compare } from "../../../master/store/agreement.ts";
import { type Command, decodeCommand, encodeCommand } from "../../../master/store/command.ts";
import { State } from "../../../master/store/state.ts";
import { systemClock } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { eventually } from "../../kit/eventually.ts";
import { suite } from "../../kit/suite.ts";

class Three {
  readonly states = [new State(), new State(), new State()];
  readonly failed: string[] = [];
  readonly told: string[] = [];
  vouches = 0;
  readonly stop = new AbortController();
  #index = 0;

  constructor() {
    const log: Log = { ...silentLog, error: (sentence: string) => void this.told.push(sentence) };
    for (const [at, state] of this.states.entries()) {
      const needs = {
        clock: systemClock,
        log,
        member: at + 1,
        propose: (command: Command) => Promise.resolve(this.apply(command)),
        fail: (error: Error) => void this.failed.push(`${at + 1}: ${error.message}`),
      };
      state.attest(new Agreement(needs, this.stop.signal));
    }
  }
  apply(command: Command, on = this.states): void {
    if (command.do === "vouch") this.vouches++;
    const index = ++this.#index, payload = encodeCommand(command);
    for (const state of on) state.apply({ index, term: 1, time: index, proposer: 0, sequence: 0, payload });
  }
  put(key: string, on = this.states): void {
    this.apply(
      { do: "transact", transaction: { compares: [], then: [{ do: "put", key, value: new Uint8Array(3) }] }, quotaBytes: 1e9 },
      on,
    );
  }
}
const test = suite("agreement", { setup: () => ({ three: new Three() }), teardown: ({ three }) => three.stop.abort() });

test("members with the same state say so, however often they are asked", async ({ three }) => {
  for (let round = 1; round <= 3; round++) {
    three.put(`/r/${round}`);
    three.apply({ do: "attest" });
    await eventually("all have said it", () => three.vouches === 3 * round);
  }
  assert.equal([three.failed, three.told], [[], []]);
});

test("one whose state is another ends, with what to do; the others go on", async ({ three }) => {
  three.put("/r/a");
  three.put("/r/b", three.states.slice(0, 2));
  three.put("/r/c", three.states.slice(2));
  three.apply({ do: "attest" });
  await eventually("it knows", () => three.failed.length > 0);
  assert.match(three.failed[0]!, /^3: the state of this member at entry 4 is not that of the others. Start it again/);
});

test("where two differ, nobody ends, and both say so once", async ({ three }) => {
  const two = three.states.slice(0, 2);
  three.put("/r/a", two.slice(0, 1));
  three.apply({ do: "attest" }, two);
  await eventually("both have said it", () => three.told.length === 2);
  assert.equal(three.failed, []);
});

test("compare() says who is wrong", () => {
  const others = (...digests: string[]) => new Map(digests.map((digest, at) => [at + 2, digest]));
  assert.is(compare("a", 1, others("a", "a")), "same");
  assert.is(compare("a", 1, others()), "same");
  assert.is(compare("a", 1, others("b")), "different");
  assert.is(compare("a", 1, others("b", "a")), "different");
  assert.is(compare("a", 1, others("b", "b")), "wrong");
  assert.is(compare("a", 1, others("b", "b", "a", "c")), "different");
});

test("what is said travels as it is", () => {
  const command: Command = { do: "vouch", vouch: { index: 7, member: 2 ** 52 + 1, digest: new Uint8Array(32).fill(9) } };
  assert.equal(decodeCommand(encodeCommand(command)), command);
  assert.equal(decodeCommand(encodeCommand({ do: "attest" })), { do: "attest" });
});
