// A client gone wild, in a process of its own (Node: its own work must not be what holds it back): half of its connections list everything there is, the others
// write, each again as soon as it is answered, whatever the answer is. `hog.ts FILE COLLECTION CONNECTIONS`: FILE has the credentials. Says every half second
// what it was answered so far.
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { connect, type TLSSocket } from "node:tls";
import { request } from "../bench/load.ts";
import type { Credentials } from "./api_client.ts";

export interface HogReport {
  /** Answers by status, or by what went wrong. */
  readonly answers: Readonly<Record<string, number>>;
  /** Milliseconds that a GET of one object took, whose turn came among all the rest. */
  readonly getsMs: readonly number[];
}

const [file = "", collection = "", count = "0"] = process.argv.slice(2);
const credentials = JSON.parse(await readFile(file, "utf8")) as Credentials, { ca, cert, key } = credentials;
const answers: Record<string, number> = {}, getsMs: number[] = [];
const tally = (what: string): void => void (answers[what] = (answers[what] ?? 0) + 1);
const map = (name: string, turn: number): string =>
  JSON.stringify({ metadata: { name }, data: { turn: String(turn), x: "x".repeat(1000) } });

/** Status of the answer, whose body is counted and not kept. */
function answer(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = "", left = -1;
    const hear = (data: Uint8Array): void => {
      if (left < 0) {
        head += Buffer.from(data).toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        left = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0) - (head.length - end - 4);
      } else left -= data.byteLength;
      if (left > 0) return;
      socket.off("data", hear).off("close", closed);
      resolve(head.slice(9, 12));
    };
    const closed = (): void => reject(new Error("closed"));
    socket.on("data", hear).once("close", closed);
  });
}

async function hammer(index: number): Promise<void> {
  const socket = connect({ port: Number(new URL(credentials.url).port), host: "127.0.0.1", ca, cert, key }), name = `hog-${index}`;
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  socket.on("error", () => {});
  for (let turn = 0;; turn++) {
    const asked = performance.now(), isGet = turn % 4 === 1;
    socket.write(
      turn === 0
        ? request("POST", collection, map(name, 0))
        : isGet
        ? request("GET", `${collection}/${name}`)
        : index % 2
        ? request("GET", collection)
        : request("PUT", `${collection}/${name}`, map(name, turn)),
    );
    const status = await answer(socket);
    if (isGet && status === "200") getsMs.push(performance.now() - asked);
    tally(status);
  }
}
for (let index = 0; index < Number(count); index++) hammer(index).catch((error) => tally(String(error.message)));
setInterval(() => process.stdout.write(`REPORT ${JSON.stringify({ answers, getsMs: getsMs.slice(-500) } satisfies HogReport)}\n`), 500);
