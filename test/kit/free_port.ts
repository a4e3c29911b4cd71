// Ports for programs that are stopped and started again on the same one.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below those that the kernel gives to outgoing connections, which would take the place of a server that is away (ip_local_port_range), and those of NodePorts. */
const first = 12_000, end = 30_000;
const given = new Set<number>();

/** A port that nobody has at the moment, and this process has not had from here before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, end);
    if (given.has(port) || !await isFree(port)) continue;
    given.add(port);
    return port;
  }
}
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
