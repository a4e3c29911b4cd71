import * as assert from "uvu/assert";
import { type Command, encodeCommand } from "../../master/store/command.ts";
import { State } from "../../master/store/state.ts";
import { suite } from "../kit/suite.ts";
import { put } from "./by_hand.ts";
import { type AppliedEntry, committedOf } from "./committed.ts";
import { transactionText } from "./history.ts";

const test = suite("committedOf()");

/** What the real state machine makes of them, each at its log time. */
function applied(...commands: [time: number, command: Command][]): AppliedEntry[] {
  const state = new State();
  return commands.map(([time, command], at) => {
    const payload = encodeCommand(command);
    return { time, payload, outcome: state.apply({ index: at + 1, term: 1, time, proposer: 0, sequence: 0, payload }), at };
  });
}
const write = (lease: number, ...keys: string[]): Command => ({
  do: "transact",
  quotaBytes: 100,
  transaction: { compares: [], then: keys.map((key) => ({ do: "put", key, value: new Uint8Array(1), lease })) },
});
const shown = (...commands: [number, Command][]): string[] =>
  committedOf(applied(...commands)).committed.map(({ revision, transaction, by }) =>
    `${revision}${by === "other" ? "*" : ""} ${transactionText(transaction)}`.replaceAll(' = "·"', "")
  );

test("transactions that were carried out, and not those that were refused", () => {
  const large: Command = { do: "transact", quotaBytes: 1, transaction: { compares: [], then: [put("/a", "too much")] } };
  const nothing: Command = { do: "transact", quotaBytes: 1, transaction: { compares: [], then: [{ do: "delete", key: "/a" }] } };
  assert.equal(shown([1, write(0, "/a")], [2, large], [3, write(7, "/b")], [4, write(0, "/b")]), ["2 put /a", "3 put /b"]);
  assert.equal(shown([1, nothing], [2, write(0, "/a")]), ["1 delete /a", "2 put /a"]);
});

test("the end of a lease deletes what hangs on it, in order, if it has outlived its time", () => {
  const begun: [number, Command][] = [[100, { do: "grant", ttlMs: 50 }], [100, { do: "grant", ttlMs: 50 }], [
    100,
    write(1, "/b", "/a", "/c"),
  ], [110, write(2, "/c")]];
  const written = ["2 put /b, put /a, put /c", "3 put /c"], ended = [...written, "4* delete /a, delete /b"];
  assert.equal(shown(...begun, [120, { do: "revoke", lease: 1 }]), ended);
  assert.equal(shown(...begun, [150, { do: "expire", lease: 1 }]), ended);
  assert.equal(shown(...begun, [149, { do: "expire", lease: 1 }]), written);
  assert.equal(shown(...begun, [140, { do: "keepAlive", lease: 1 }], [150, { do: "expire", lease: 1 }]), written);
  assert.equal(shown(...begun, [140, { do: "keepAlive", lease: 1 }], [190, { do: "expire", lease: 1 }]), ended);
  const renewed: [number, Command] = [140, { do: "keepAlive", lease: 1 }];
  assert.equal(shown(...begun, renewed, [190, { do: "expire", lease: 1, renewals: 1 }]), ended);
  assert.equal(shown(...begun, renewed, [190, { do: "expire", lease: 1, renewals: 0 }]), written, "it was renewed since");
  assert.equal(shown(...begun, [160, { do: "revoke", lease: 1 }], [170, { do: "expire", lease: 1 }]), ended, "once");
  assert.equal(
    shown(...begun, [120, write(0, "/a", "/b")], [120, { do: "revoke", lease: 1 }]),
    [...written, "4 put /a, put /b"],
    "nothing hangs on it",
  );
});

test("compactions that were made, and when they were asked for", () => {
  const entries = applied([1, write(0, "/a")], [2, { do: "compact", revision: 3 }], [3, write(0, "/a")], [4, {
    do: "compact",
    revision: 3,
  }]);
  assert.equal(committedOf(entries).compactions, [{ revision: 3, at: 3 }]);
  assert.equal(committedOf(entries).committed.map(({ at }) => at), [0, 2]);
});
