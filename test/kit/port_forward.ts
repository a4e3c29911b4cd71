// kubectl port-forward beside a test: on a local port of its choice, until stopped.
import { Buffer } from "node:buffer";
import http from "node:http";
import { eventually } from "./eventually.ts";
import type { Kubectl } from "./kubectl.ts";

export interface PortForward {
  readonly port: number;
  /** What kubectl has printed. */
  readonly out: () => string;
  stop(): Promise<void>;
}

export async function portForward(k: Kubectl, target: string, port: number): Promise<PortForward> {
  const following = k.follow(`port-forward --address 127.0.0.1 ${target} :${port}`);
  try {
    const local = await eventually("kubectl listens", () => {
      const found = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(following.out());
      if (!found) throw new Error(following.out());
      return Number(found[1]);
    });
    return { port: local, ...following };
  } catch (error) {
    await following.stop();
    throw error;
  }
}

/** One request on a connection of its own. */
export function askPort(port: number, path: string, body?: Uint8Array): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { connection: "close", ...(body && { "content-length": body.length }) };
    const request = http.request({ host: "127.0.0.1", port, path, method: body ? "PUT" : "GET", agent: false, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode!, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}
