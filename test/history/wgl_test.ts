import * as assert from "uvu/assert";
import { seeded } from "../../shared/util/clock.ts";
import { suite } from "../kit/suite.ts";
import { plain, put, remove } from "./by_hand.ts";
import type { Call, Committed } from "./history.ts";
import { Keyspace } from "./keyspace.ts";
import { linearize } from "./linearize.ts";
import { type RegisterCall, searchOrder, type Value } from "./wgl.ts";
import type { Transaction } from "../../master/store/store.ts";

const test = suite("searchOrder()", { timeoutMs: 60_000 });

type Span = readonly [number, number];
const frame = ([invoked, completed]: Span, key: string) => ({
  name: `call [${invoked}–${completed}]`,
  key,
  invoked,
  completed,
  isUnknown: false,
});
const read = (span: Span, value: Value, key = "r"): RegisterCall => ({ ...frame(span, key), do: "read", value });
const write = (span: Span, value: Value, key = "r"): RegisterCall => ({ ...frame(span, key), do: "write", value });
const swap = (span: Span, expected: Value, value: Value, succeeded: boolean): RegisterCall => ({
  ...frame(span, "r"),
  do: "compareAndSet",
  expected,
  value,
  succeeded,
});
const lost = (call: RegisterCall): RegisterCall => ({ ...call, isUnknown: true });
const verdict = (...calls: RegisterCall[]): string => searchOrder(calls).verdict;

test("one after the other: a register keeps what was written last", () => {
  assert.is(
    verdict(read([1, 2], undefined), write([3, 4], "a"), read([5, 6], "a"), write([7, 8], undefined), read([9, 10], undefined)),
    "ok",
  );
  assert.is(verdict(write([1, 2], "a"), read([3, 4], undefined)), "violation");
  assert.is(verdict(write([1, 2], "a"), write([3, 4], "b"), read([5, 6], "a")), "violation", "stale");
  assert.is(verdict(read([1, 2], "a"), write([3, 4], "a")), "violation", "from the future");
  assert.is(verdict(write([1, 2], "a"), read([3, 4], "never written")), "violation");
});

test("at the same time: any order will do, but one for all", () => {
  const slow = write([1, 20], "a");
  assert.is(verdict(slow, read([2, 3], undefined), read([4, 5], "a")), "ok");
  assert.is(verdict(slow, read([2, 3], "a"), read([4, 5], undefined)), "violation", "back in time");
  assert.is(verdict(slow, write([1, 20], "b"), read([2, 9], "b"), read([2, 9], "a"), read([21, 22], "b")), "ok");
  assert.is(verdict(slow, write([1, 20], "b"), read([21, 22], "a"), read([23, 24], "b")), "violation");
  assert.is(verdict(write([1, 2], "a"), read([2, 3], undefined)), "ok", "of equal moments nobody knows which came first");
});

test("compare and set", () => {
  assert.is(verdict(write([1, 2], "a"), swap([3, 4], "a", "b", true), swap([5, 6], "a", "c", false), read([7, 8], "b")), "ok");
  assert.is(verdict(write([1, 2], "a"), swap([3, 9], "a", "b", true), swap([3, 9], "a", "c", true)), "violation", "a lost update");
  assert.is(verdict(write([1, 2], "a"), swap([3, 4], "a", "b", false)), "violation", "it should have succeeded");
  assert.is(verdict(swap([1, 2], undefined, "a", true), swap([1, 2], undefined, "b", false), read([3, 4], "a")), "ok");
});

test("an unknown outcome may take effect late, or never, but once", () => {
  const maybe = lost(write([1, 2], "b"));
  assert.is(verdict(write([1, 2], "a"), maybe, read([3, 4], "a"), read([5, 6], "b")), "ok");
  assert.is(verdict(write([1, 2], "a"), maybe, read([3, 4], "b"), read([5, 6], "a")), "violation");
  assert.is(verdict(maybe, write([3, 4], "a"), read([5, 6], "b"), write([7, 8], "a"), read([9, 10], "b")), "violation", "twice");
  assert.is(verdict(lost(write([5, 6], "b")), read([3, 4], "b")), "violation", "before it was asked for");
  assert.is(
    verdict(write([1, 2], "a"), lost(swap([3, 4], "a", "b", false)), swap([5, 6], "a", "c", false)),
    "ok",
    "seen only by what it made fail",
  );
  assert.is(verdict(write([1, 2], "a"), maybe, swap([5, 6], "a", "c", false)), "ok");
  assert.is(verdict(write([1, 2], "a"), lost(read([3, 4], "never read"))), "ok");
});

test("keys are independent, and the sentence names the one that is wrong", () => {
  const found = searchOrder([write([1, 2], "a", "x"), read([3, 4], "a", "x"), write([1, 2], "a", "y"), read([3, 4], undefined, "y")]);
  assert.equal(found, {
    verdict: "violation",
    steps: found.steps,
    because: "Key y: 1 of 2 calls can be ordered, and then call [3–4] cannot have ended",
  });
  assert.is(searchOrder([read([1, 2], "before")], 10, new Map([["r", "before"]])).verdict, "ok");
});

test("it does not go the same way twice", () => {
  const writes = Array.from({ length: 10 }, (_, i) => write([1, 20], `${i}`));
  const found = searchOrder([...writes, read([21, 22], "never written")], 100_000);
  assert.is(found.verdict, "violation");
  assert.ok(found.steps < 10 * 10 * 2 ** 10, `${found.steps} steps for 10! orders`);
});

test("what would take too long is undecided", () => {
  const many = Array.from({ length: 40 }, (_, i) => swap([1, 100], `${i * 7 % 40}`, `${(i * 7 + 3) % 40}`, i % 2 === 0));
  assert.is(searchOrder([...many, write([1, 100], "0")], 30).verdict, "undecided");
});

test("the examples of Porcupine's own tests (MIT 6.824, quiz 2 of 2017)", () => {
  const initial = new Map([["r", "0"]]);
  assert.is(searchOrder([write([0, 100], "100"), read([25, 75], "100"), read([30, 60], "0")], 100, initial).verdict, "ok");
  assert.is(searchOrder([write([0, 100], "200"), read([10, 30], "200"), read([40, 90], "0")], 100, initial).verdict, "violation");
});

/** Without a memory of anything and without any haste: may this call come next, and the rest behind it? */
function canBeOrdered(left: readonly RegisterCall[], state: Value): boolean {
  if (left.every((call) => call.isUnknown)) return true;
  return left.some((call) => {
    if (left.some((other) => !other.isUnknown && other.completed < call.invoked)) return false;
    const rest = left.filter((other) => other !== call), matches = call.do === "compareAndSet" && call.expected === state;
    if (call.do === "read") return (call.isUnknown || call.value === state) && canBeOrdered(rest, state);
    if (call.do === "write") return canBeOrdered(rest, call.value);
    return (call.isUnknown || call.succeeded === matches) && canBeOrdered(rest, matches ? call.value : state);
  });
}

test("what it leaves out of the search is not missed", () => {
  const random = seeded(12), counts = { ok: 0, violation: 0 }, histories = 6_000;
  const whole = (below: number): number => Math.floor(random() * below), value = (): Value => [undefined, "a", "b", ""][whole(4)];
  for (let n = 0; n < histories; n++) {
    const calls = Array.from({ length: 5 + whole(4) }, (): RegisterCall => {
      const invoked = whole(20), times: Span = [invoked, invoked + 1 + whole(9)], choice = random();
      if (choice < 0.35) return read(times, value());
      const call = choice < 0.6 ? write(times, value()) : swap(times, value(), value(), random() < 0.7);
      return random() < 0.5 ? lost(call) : call;
    });
    const expected = canBeOrdered(calls, undefined) ? "ok" : "violation";
    assert.is(verdict(...calls), expected, `history ${n}: ${JSON.stringify(calls)}`);
    counts[expected]++;
  }
  assert.ok(Math.min(counts.ok, counts.violation) > histories / 10, JSON.stringify(counts));
  console.log(
    `measured: wgl.ts and a search without shortcuts agree on ${histories} short histories (${counts.ok} right, ${counts.violation} wrong)`,
  );
});

// Both checkers against each other, with nothing left out: a short history of a register is right if some order of its calls, given revisions, is what
// linearize() accepts; so all orders are tried.

const keyOf = "/r", span = (call: RegisterCall) => ({ id: 0, client: 1, invoked: call.invoked, completed: call.completed });
const transactionOf = (call: RegisterCall): Transaction => {
  if (call.do === "read") throw new Error("a read is no transaction");
  const then = [call.value === undefined ? remove(keyOf) : put(keyOf, call.value)];
  if (call.do === "write") return plain(...then);
  const is = new TextEncoder().encode(call.expected ?? "");
  return { compares: [call.expected === undefined ? { key: keyOf, target: "version", is: 0 } : { key: keyOf, target: "value", is }], then };
};

function isAcceptedInOrder(order: readonly RegisterCall[], others: readonly RegisterCall[]): boolean {
  const keyspace = new Keyspace(), committed: Committed[] = [], calls: Call[] = [];
  for (const [at, call] of order.entries()) {
    const frame = { ...span(call), id: at + 1 };
    if (call.do === "read") {
      const there = keyspace.get(keyOf), value = call.value === undefined ? undefined : new TextEncoder().encode(call.value);
      const item = value && { ...there ?? { key: keyOf, createRevision: 0, modRevision: 0, version: 0, lease: 0 }, value };
      calls.push({
        ...frame,
        kind: "get",
        key: keyOf,
        serializable: false,
        outcome: { is: "done", result: { item, revision: keyspace.revision } },
      });
      continue;
    }
    const transaction = transactionOf(call), ran = keyspace.run(transaction), { revision } = keyspace;
    committed.push({ revision, transaction, by: frame.id });
    const succeeded = call.do === "write" || call.succeeded, results = succeeded ? ran.results : [];
    calls.push({
      ...frame,
      kind: "txn",
      transaction,
      outcome: call.isUnknown ? { is: "unknown" } : { is: "done", result: { succeeded, revision, time: at, results } },
    });
  }
  for (const call of others) {
    calls.push({ ...span(call), id: 100, kind: "txn", transaction: transactionOf(call), outcome: { is: "unknown" } });
  }
  return linearize({ calls, watches: [] }, { committed }).length === 0;
}

function* orders<T>(list: readonly T[]): Generator<T[]> {
  if (list.length === 0) yield [];
  for (const [at, one] of list.entries()) for (const rest of orders(list.toSpliced(at, 1))) yield [one, ...rest];
}

test("its verdict is that of linearize() over all orders and all choices of what has happened", () => {
  const random = seeded(11), counts = { ok: 0, violation: 0 }, histories = 4_000;
  const whole = (below: number): number => Math.floor(random() * below), value = (): Value => [undefined, "a", "b", ""][whole(4)];
  for (let n = 0; n < histories; n++) {
    const calls = Array.from({ length: 2 + whole(4) }, (): RegisterCall => {
      const invoked = whole(12), times: Span = [invoked, invoked + 1 + whole(7)], choice = random();
      if (choice < 0.4) return read(times, value());
      const call = choice < 0.7 ? write(times, value()) : swap(times, value(), value(), random() < 0.5);
      return random() < 0.25 ? lost(call) : call;
    });
    const [known, unknown] = [calls.filter((call) => !call.isUnknown), calls.filter((call) => call.isUnknown)];
    const isRight = Array.from({ length: 2 ** unknown.length }, (_, bits) => bits).some((bits) => {
      const happened = unknown.filter((_, i) => bits & 1 << i), others = unknown.filter((call) => !happened.includes(call));
      for (const order of orders([...known, ...happened])) if (isAcceptedInOrder(order, others)) return true;
      return false;
    });
    const expected = isRight ? "ok" : "violation";
    assert.is(verdict(...calls), expected, `history ${n}: ${JSON.stringify(calls)}`);
    counts[expected]++;
  }
  assert.ok(Math.min(counts.ok, counts.violation) > histories / 5, JSON.stringify(counts));
  console.log(
    `measured: wgl.ts and linearize.ts over all orders agree on ${histories} short histories (${counts.ok} right, ${counts.violation} wrong)`,
  );
});
