// One member of the store as a process of its own, for the bench: replica, peers over mutual TLS and the face are the master's own; in front of them is the barest
// port there can be, so that what is measured is the store and not an API.
//   store_member.ts <data directory> <pki directory> <name> <port> [name=peer address…]      without peers: alone
//
//   request = length u32 · id u32 · verb u8 · key length u16 · key · value          length counts what follows it; numbers little-endian
//   answer  = length u32 · id u32 · status u8 (0: well) · body                      in any order
import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import { openMember } from "../../master/store/embedded.ts";
import { nodeFiles } from "../../master/store/files.ts";
import { systemClock, systemRandom } from "../../shared/util/clock.ts";
import { standardErrorLog } from "../../shared/util/log.ts";
import { stallProbe } from "./stall_probe.ts";

const [dataDir, pkiDir, name, port, ...list] = process.argv.slice(2) as [string, string, string, string, ...string[]];
const clock = systemClock, random = systemRandom, log = standardErrorLog(() => clock.now(), "warn");
const cluster = list.length < 2 ? undefined : await (await import("./store_peers.ts")).peersOf(list, name, pkiDir, { clock, random, log });
const { store } = await openMember(
  { clock, random, files: nodeFiles, log },
  { dataDir, ...(cluster && { join: cluster.join }) },
  cluster?.peers,
);
void store.fatal.then(() => process.exit(1));
const stalls = stallProbe();

const verbs: Readonly<Record<number, (key: string, value: Buffer) => Promise<Uint8Array | undefined>>> = {
  1: async (key, value) => void await store.txn({ compares: [], then: [{ do: "put", key, value }] }),
  2: async (key) => (await store.get(key)).item?.value,
  3: async () => {
    const { leaderId, memberId, revision } = store.status();
    return Buffer.from(JSON.stringify({ revision, leads: leaderId === memberId }));
  },
  4: async () => void await store.compact(store.status().revision),
  // Milliseconds that a timer came late since the last time somebody asked.
  5: async () => Buffer.from(JSON.stringify(stalls.take())),
};

function serve(socket: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  let answers: Uint8Array[] = [];
  const answer = (id: number, status: number, body: Uint8Array = new Uint8Array(0)): void => {
    const head = Buffer.allocUnsafe(9);
    head.writeUInt32LE(5 + body.length, 0);
    head.writeUInt32LE(id, 4);
    head[8] = status;
    // What is answered in one turn of the event loop leaves in one write.
    if (answers.length === 0) {
      setImmediate(() => {
        socket.write(Buffer.concat(answers));
        answers = [];
      });
    }
    answers.push(head, body);
  };
  socket.on("data", (data: Buffer) => {
    received = received.length === 0 ? data : Buffer.concat([received, data]);
    let at = 0;
    while (received.length - at >= 4 && received.length - at - 4 >= received.readUInt32LE(at)) {
      const end = at + 4 + received.readUInt32LE(at), id = received.readUInt32LE(at + 4), valueAt = at + 11 + received.readUInt16LE(at + 9);
      const call = verbs[received[at + 8]!]!(received.toString("latin1", at + 11, valueAt), received.subarray(valueAt, end));
      call.then((body) => answer(id, 0, body), (error) => answer(id, 1, Buffer.from(String(error))));
      at = end;
    }
    received = received.subarray(at);
  });
}
createServer(serve).listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
process.once("SIGTERM", () => void store.close().then(() => process.exit(0)));
