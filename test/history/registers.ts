// Calls of the store seen as calls of registers, one a key, all revisions forgotten: what a black box would have told. For wgl.ts.
import { Buffer } from "node:buffer";
import { type Call, type GetCall, nameOf, type TxnCall } from "./history.ts";
import type { RegisterCall, Value } from "./wgl.ts";

const valueOf = (value: Uint8Array | undefined): Value => value && Buffer.from(value).toString("latin1");

/** @throws Error for lists and for transactions that are more than a write, or a compare and a write, of one key */
export function registersOf(calls: readonly Call[]): RegisterCall[] {
  return calls.flatMap((call) => {
    // Refused, or an answer that nobody had: nothing happened that a register would know of. A serializable read may be old.
    if (call.outcome.is === "refused") return [];
    if (call.kind === "get") return call.outcome.is === "unknown" || call.serializable ? [] : [readOf(call)];
    return [writeOf(call)];
  });
}

function readOf(call: GetCall): RegisterCall {
  const { item } = (call.outcome as { result: { item: { value: Uint8Array } | undefined } }).result;
  return { ...frame(call), key: call.key, do: "read", value: valueOf(item?.value) };
}

function writeOf(call: Call): RegisterCall {
  if (call.kind === "txn") {
    const { compares: [compare, ...compares], then: [operation, ...then], else: otherwise = [] } = call.transaction;
    const isPlain = operation && operation.do !== "get" && compares.length + then.length === 0 &&
      otherwise.every((other) => other.do === "get");
    if (isPlain && (!compare || compare.key === operation.key)) {
      const { key } = operation, value = operation.do === "put" ? valueOf(operation.value) : undefined;
      if (!compare) return { ...frame(call), key, do: "write", value };
      if (compare.target === "value") return { ...swap(call), key, expected: valueOf(compare.is), value };
      if (compare.is === 0) return { ...swap(call), key, expected: undefined, value };
    }
  }
  throw new Error(`This is no call of a register: ${nameOf(call)}`);
}

function swap(call: TxnCall) {
  return { ...frame(call), do: "compareAndSet" as const, succeeded: call.outcome.is === "done" && call.outcome.result.succeeded };
}
function frame(call: Call) {
  return { name: nameOf(call), invoked: call.invoked, completed: call.completed, isUnknown: call.outcome.is === "unknown" };
}
