// A few calls to a store from the bench itself, where their speed does not count: each over a connection of its own.
import { Buffer } from "node:buffer";
import http from "node:http";
import { connect } from "node:net";
import type { Stalls } from "./stall_probe.ts";

export interface Asks {
  /** Each rejects when it is refused, and when nothing has come for `timeoutMs`. */
  put(key: string, value: string, timeoutMs?: number): Promise<void>;
  /** Linearizable. */
  get(key: string, timeoutMs?: number): Promise<void>;
  leads(): Promise<boolean>;
  /** Gives up all history, and the memory and disk that it took. */
  compact(): Promise<void>;
  /** Of ours only. */
  stalls(): Promise<Stalls>;
}
const usualMs = 5_000;

/** A bare member of ours (store_member.ts). */
export function askFrames(port: number): Asks {
  const call = (verb: number, key = "", value = "", timeoutMs = usualMs): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port }), timer = setTimeout(() => done(new Error("no answer")), timeoutMs);
      let received: Buffer = Buffer.alloc(0);
      const done = (error?: Error): void => {
        clearTimeout(timer);
        socket.destroy();
        if (error) reject(error);
        else if (received[8] !== 0) reject(new Error(received.toString("utf8", 9)));
        else resolve(received.subarray(9));
      };
      socket.on("error", done);
      socket.on("close", () => done(new Error("the connection was closed")));
      socket.on("data", (data: Buffer) => {
        received = Buffer.concat([received, data]);
        if (received.length >= 4 && received.length >= 4 + received.readUInt32LE(0)) done();
      });
      const head = Buffer.alloc(11);
      head.writeUInt32LE(7 + key.length + value.length, 0);
      head[8] = verb;
      head.writeUInt16LE(key.length, 9);
      socket.write(Buffer.concat([head, Buffer.from(key + value, "latin1")]));
    });
  return {
    put: async (key, value, timeoutMs) => void await call(1, key, value, timeoutMs),
    get: async (key, timeoutMs) => void await call(2, key, "", timeoutMs),
    leads: async () => JSON.parse((await call(3)).toString()).leads,
    compact: async () => void await call(4),
    stalls: async () => JSON.parse((await call(5)).toString()),
  };
}

/** etcd's JSON gateway: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ */
export function askEtcd(port: number): Asks {
  // deno-lint-ignore no-explicit-any
  const call = (path: string, body: unknown, timeoutMs = usualMs): Promise<any> =>
    new Promise((resolve, reject) => {
      const sent = http.request({ host: "127.0.0.1", port, path: `/v3/${path}`, method: "POST", agent: false }, (response) => {
        let said = "";
        response.setEncoding("utf8");
        response.on("data", (data: string) => said += data);
        response.on("error", reject);
        response.on("end", () => {
          clearTimeout(timer);
          if (response.statusCode === 200) resolve(JSON.parse(said));
          else reject(new Error(`etcd has answered ${response.statusCode} to ${path}: ${said}`));
        });
      });
      const timer = setTimeout(() => sent.destroy(new Error("no answer")), timeoutMs);
      sent.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      sent.end(JSON.stringify(body));
    });
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    put: async (key, value, timeoutMs) => void await call("kv/put", { key: base64(key), value: base64(value) }, timeoutMs),
    get: async (key, timeoutMs) => void await call("kv/range", { key: base64(key) }, timeoutMs),
    async leads() {
      const { leader, header } = await call("maintenance/status", {});
      return leader !== undefined && leader === header.member_id;
    },
    async compact() {
      const { header } = await call("kv/range", { key: base64("/") });
      await call("kv/compaction", { revision: header.revision, physical: true }, 60_000);
      await call("maintenance/defragment", {}, 60_000);
    },
    stalls: () => Promise.reject(new Error("etcd has no event loop")),
  };
}
