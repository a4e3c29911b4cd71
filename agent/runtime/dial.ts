// Connects to a port of localhost, in whatever network namespace this process is: by IPv4 and then by IPv6, as upstream does.
import net from "node:net";

/** Both sides may end by themselves. @throws Error in Go's words, which users know from Kubernetes */
export async function dialLocalhost(port: number): Promise<net.Socket> {
  try {
    return await dial("tcp4", "127.0.0.1", port);
  } catch (error) {
    return await dial("tcp6", "::1", port).catch(() => Promise.reject(error));
  }
}

const words: Readonly<Record<string, string>> = { ECONNREFUSED: "connection refused", ETIMEDOUT: "connection timed out" };

function dial(protocol: string, host: string, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    const failed = (cause: Error & { code?: string }): void => {
      reject(new Error(`dial ${protocol} ${host}:${port}: connect: ${words[cause.code ?? ""] ?? cause.message}`, { cause }));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      socket.off("error", failed);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
