// Our transactions as etcd's, and what it answers as ours. The two mean the same: compares, then one branch whole, one revision if anything was written.
import type { KeyValue, Operation, Transaction } from "../store.ts";
import type { Keys } from "./keys.ts";
import type { CompareRequest, Kv, RequestOp, ResponseOp, TxnRequest, TxnResponse } from "./protocol.ts";

const targets = { version: 0, createRevision: 1, modRevision: 2, value: 3 } as const;

export function requestOf(keys: Keys, { compares, then, else: otherwise = [] }: Transaction): TxnRequest {
  return {
    compare: compares.map((compare): CompareRequest => ({
      result: 0,
      target: targets[compare.target],
      key: keys.ofKey(compare.key),
      [compare.target]: compare.is,
    })),
    success: then.map((operation) => operationOf(keys, operation)),
    failure: otherwise.map((operation) => operationOf(keys, operation)),
  };
}

function operationOf(keys: Keys, operation: Operation): RequestOp {
  const key = keys.ofKey(operation.key);
  switch (operation.do) {
    case "get":
      return { requestRange: { key } };
    case "delete":
      return { requestDeleteRange: { key, prevKv: true } };
    case "put":
      return { requestPut: { key, value: operation.value, lease: operation.lease ?? 0, prevKv: true } };
  }
}

/** @returns `wrote`: whether the transaction has a revision of its own */
export function resultOf(keys: Keys, { responses }: TxnResponse): { results: (KeyValue | undefined)[]; wrote: boolean } {
  const results = responses.map((response) => itemOf(keys, found(response)));
  const wrote = responses.some(({ responsePut, responseDeleteRange }) =>
    responsePut !== null || (responseDeleteRange?.prevKvs.length ?? 0) > 0
  );
  return { results, wrote };
}
const found = ({ responseRange, responsePut, responseDeleteRange }: ResponseOp): Kv | null | undefined =>
  responseRange?.kvs[0] ?? responsePut?.prevKv ?? responseDeleteRange?.prevKvs[0];

export function itemOf(keys: Keys, kv: Kv): KeyValue;
export function itemOf(keys: Keys, kv: Kv | null | undefined): KeyValue | undefined;
export function itemOf(keys: Keys, kv: Kv | null | undefined): KeyValue | undefined {
  if (!kv) return undefined;
  const { createRevision, modRevision, version, lease } = kv;
  // A copy: what protobuf read is a view of the whole answer, and one value that is kept would keep all of it.
  return { key: keys.keyOf(kv.key) ?? "", value: Uint8Array.from(kv.value), createRevision, modRevision, version, lease };
}
