// What we speak of etcd's API v3 (etcdserverpb of etcd 3.4, which later releases still speak), as protobuf's reflection wants it. Field numbers are etcd's; fields
// that we neither send nor read are left out. int64 becomes a number: revisions and our own lease ids stay below 2^53.
import type { MethodDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

export interface Header {
  /** Rounded to 53 bits: to be compared for equality only. */
  readonly clusterId: number;
  readonly revision: number;
}
export interface Kv {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: number;
}
export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly limit?: number;
  readonly revision?: number;
  readonly serializable?: boolean;
}
export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly Kv[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
}
export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: number;
  readonly prevKv?: boolean;
}
export interface DeleteRequest {
  readonly key: Uint8Array;
  readonly prevKv?: boolean;
}
export interface CompareRequest {
  /** 0 equal. */
  readonly result: number;
  /** 0 version, 1 create revision, 2 mod revision, 3 value. */
  readonly target: number;
  readonly key: Uint8Array;
  readonly version?: number;
  readonly createRevision?: number;
  readonly modRevision?: number;
  readonly value?: Uint8Array;
}
export interface RequestOp {
  readonly requestRange?: RangeRequest;
  readonly requestPut?: PutRequest;
  readonly requestDeleteRange?: DeleteRequest;
}
export interface TxnRequest {
  readonly compare: readonly CompareRequest[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export interface ResponseOp {
  readonly responseRange: { readonly kvs: readonly Kv[] } | null;
  readonly responsePut: { readonly prevKv: Kv | null } | null;
  readonly responseDeleteRange: { readonly prevKvs: readonly Kv[] } | null;
}
export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}
export interface WatchEvent {
  /** 0 put, 1 delete. */
  readonly type: number;
  readonly kv: Kv;
  readonly prevKv: Kv | null;
}
export interface WatchResponse {
  readonly header: Header;
  readonly canceled: boolean;
  /** Of a watch that was canceled because its start is compacted; else 0. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More of the same revisions follows in the next response. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}
export interface WatchRequest {
  readonly createRequest: {
    readonly key: Uint8Array;
    readonly rangeEnd: Uint8Array;
    readonly startRevision: number;
    readonly prevKv: boolean;
    readonly fragment: boolean;
  };
}

/** The calls that we make: request and response of each. */
export interface Calls {
  readonly range: [RangeRequest, RangeResponse];
  readonly txn: [TxnRequest, TxnResponse];
  readonly compact: [{ readonly revision: number }, { readonly header: Header }];
  readonly leaseGrant: [{ readonly ttl: number; readonly id: number }, { readonly header: Header }];
  readonly leaseRevoke: [{ readonly id: number }, { readonly header: Header }];
  readonly status: [Record<never, never>, { readonly header: Header; readonly version: string; readonly dbSizeInUse: number }];
}
export interface Streams {
  readonly watch: [WatchRequest, WatchResponse];
  /** ttl 0: there is no such lease. */
  readonly leaseKeepAlive: [{ readonly id: number }, { readonly header: Header; readonly ttl: number }];
}

const field = (id: number, type: string) => ({ id, type });
const list = (id: number, type: string) => ({ id, type, rule: "repeated" });
const message = (fields: Record<string, object>) => ({ fields });
const call = (requestType: string, responseType: string) => ({ requestType, responseType });
const stream = (requestType: string, responseType: string) => ({ requestType, responseType, requestStream: true, responseStream: true });

const header = { header: field(1, "Header") };
const definition = {
  Header: message({ clusterId: field(1, "uint64"), revision: field(3, "int64") }),
  KeyValue: message({
    key: field(1, "bytes"),
    createRevision: field(2, "int64"),
    modRevision: field(3, "int64"),
    version: field(4, "int64"),
    value: field(5, "bytes"),
    lease: field(6, "int64"),
  }),
  RangeRequest: message({
    key: field(1, "bytes"),
    rangeEnd: field(2, "bytes"),
    limit: field(3, "int64"),
    revision: field(4, "int64"),
    serializable: field(7, "bool"),
  }),
  RangeResponse: message({ ...header, kvs: list(2, "KeyValue"), count: field(4, "int64") }),
  PutRequest: message({ key: field(1, "bytes"), value: field(2, "bytes"), lease: field(3, "int64"), prevKv: field(4, "bool") }),
  PutResponse: message({ ...header, prevKv: field(2, "KeyValue") }),
  DeleteRequest: message({ key: field(1, "bytes"), prevKv: field(3, "bool") }),
  DeleteResponse: message({ ...header, prevKvs: list(3, "KeyValue") }),
  Compare: message({
    result: field(1, "int32"),
    target: field(2, "int32"),
    key: field(3, "bytes"),
    version: field(4, "int64"),
    createRevision: field(5, "int64"),
    modRevision: field(6, "int64"),
    value: field(7, "bytes"),
  }),
  RequestOp: message({
    requestRange: field(1, "RangeRequest"),
    requestPut: field(2, "PutRequest"),
    requestDeleteRange: field(3, "DeleteRequest"),
  }),
  ResponseOp: message({
    responseRange: field(1, "RangeResponse"),
    responsePut: field(2, "PutResponse"),
    responseDeleteRange: field(3, "DeleteResponse"),
  }),
  TxnRequest: message({ compare: list(1, "Compare"), success: list(2, "RequestOp"), failure: list(3, "RequestOp") }),
  TxnResponse: message({ ...header, succeeded: field(2, "bool"), responses: list(3, "ResponseOp") }),
  CompactRequest: message({ revision: field(1, "int64") }),
  HeaderResponse: message(header),
  LeaseGrantRequest: message({ ttl: field(1, "int64"), id: field(2, "int64") }),
  LeaseRequest: message({ id: field(1, "int64") }),
  LeaseKeepAliveResponse: message({ ...header, ttl: field(3, "int64") }),
  WatchCreateRequest: message({
    key: field(1, "bytes"),
    rangeEnd: field(2, "bytes"),
    startRevision: field(3, "int64"),
    prevKv: field(6, "bool"),
    fragment: field(8, "bool"),
  }),
  WatchRequest: message({ createRequest: field(1, "WatchCreateRequest") }),
  Event: message({ type: field(1, "int32"), kv: field(2, "KeyValue"), prevKv: field(3, "KeyValue") }),
  WatchResponse: message({
    ...header,
    canceled: field(4, "bool"),
    compactRevision: field(5, "int64"),
    cancelReason: field(6, "string"),
    fragment: field(7, "bool"),
    events: list(11, "Event"),
  }),
  StatusRequest: message({}),
  StatusResponse: message({ ...header, version: field(2, "string"), dbSizeInUse: field(9, "int64") }),
  KV: {
    methods: {
      Range: call("RangeRequest", "RangeResponse"),
      Txn: call("TxnRequest", "TxnResponse"),
      Compact: call("CompactRequest", "HeaderResponse"),
    },
  },
  Watch: { methods: { Watch: stream("WatchRequest", "WatchResponse") } },
  Lease: {
    methods: {
      LeaseGrant: call("LeaseGrantRequest", "HeaderResponse"),
      LeaseRevoke: call("LeaseRequest", "HeaderResponse"),
      LeaseKeepAlive: stream("LeaseRequest", "LeaseKeepAliveResponse"),
    },
  },
  Maintenance: { methods: { Status: call("StatusRequest", "StatusResponse") } },
};

const loaded = fromJSON({ nested: { etcdserverpb: { nested: definition } } } as never, { keepCase: true, longs: Number, defaults: true });
type Method = MethodDefinition<unknown, unknown>;
const method = (service: string, name: string): Method => (loaded[`etcdserverpb.${service}`] as unknown as Record<string, Method>)[name]!;

export const methods: Readonly<Record<keyof Calls | keyof Streams, Method>> = {
  range: method("KV", "Range"),
  txn: method("KV", "Txn"),
  compact: method("KV", "Compact"),
  leaseGrant: method("Lease", "LeaseGrant"),
  leaseRevoke: method("Lease", "LeaseRevoke"),
  status: method("Maintenance", "Status"),
  watch: method("Watch", "Watch"),
  leaseKeepAlive: method("Lease", "LeaseKeepAlive"),
};
