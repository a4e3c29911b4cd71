// A program: dials localhost from the network namespace that it was started in, for whoever connects to its unix socket (netns.ts). Two bytes come first, the
// port (big-endian); the answer begins with 0, and all else is the connection's, or with 1, and why there is none. Ends when its stdin does.
import { Buffer } from "node:buffer";
import net from "node:net";
import process from "node:process";
import { dialLocalhost } from "./dial.ts";

function serve(client: net.Socket): void {
  let asked = Buffer.alloc(0);
  client.on("error", () => {}); // "close" follows
  const listen = (bytes: Buffer): void => {
    asked = Buffer.concat([asked, bytes]);
    if (asked.length < 2) return;
    client.off("data", listen);
    client.pause();
    dialLocalhost(asked.readUInt16BE(0)).then(
      (target) => join(client, target),
      (error) => client.end(Buffer.from(`\x01${error.message}`)),
    );
  };
  client.on("data", listen);
}

/** Each one's end is handed on; who breaks takes the other along. */
function join(client: net.Socket, target: net.Socket): void {
  target.on("error", () => client.destroy());
  client.once("close", () => target.destroy());
  if (client.destroyed) return void target.destroy();
  client.write(Buffer.from([0]));
  client.pipe(target).pipe(client);
}

const path = process.argv.at(-1)!;
net.createServer({ allowHalfOpen: true }, serve).listen(path, () => process.stdout.write("\n"));
for (const end of ["end", "close"]) process.stdin.on(end, () => process.exit()); // on Deno only the first comes
process.stdin.resume();
