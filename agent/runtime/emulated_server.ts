// What a pretended server says to whoever connects: HTTP/1.1, any path. It greets with its pod's name, and sends back what it is sent. Asked to close, it ends its
// side and then waits for the client's end, as busybox' httpd does.
import { Buffer } from "node:buffer";
import { type Duplex, duplexPair } from "node:stream";

const headBytes = 16 * 1024;

/** The client's end of a connection to such a server. */
export function connectToPretended(hostname: string): Duplex {
  const [client, server] = duplexPair({ allowHalfOpen: true });
  void answer(server, hostname).catch(() => {}).finally(() => server.end());
  client.once("close", () => server.destroy());
  return client;
}

async function answer(connection: Duplex, hostname: string): Promise<void> {
  let head = "", left = 0, closes = false, ended = false;
  for await (const chunk of connection.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (let rest = chunk; rest.length > 0 && !ended;) {
      if (left > 0) {
        const part = rest.subarray(0, left);
        await write(connection, part);
        left -= part.length;
        rest = rest.subarray(part.length);
        if (closes && left === 0) ended = true;
        continue;
      }
      const before = head.length;
      head += rest.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0 && head.length > headBytes) return await write(connection, "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n");
      if (end < 0) break;
      rest = rest.subarray(end + 4 - before);
      const [line = ""] = head.split("\r\n"), [method, path] = line.split(" ");
      left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      closes = /^connection: *close/im.test(head);
      const greeting = left > 0 ? "" : `Hello from pod ${hostname}: ${method} ${path}\n`;
      head = "";
      const length = closes ? "connection: close" : `content-length: ${left + greeting.length}`;
      await write(connection, `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${length}\r\n\r\n${greeting}`);
      if (closes && left === 0) ended = true;
    }
    if (ended && !connection.writableEnded) connection.end();
  }
}

const write = (connection: Duplex, bytes: Uint8Array | string): Promise<void> =>
  new Promise((resolve, reject) => void connection.write(bytes, (error) => error ? reject(error) : resolve()));
