// A probe by the gRPC health protocol (grpc.health.v1.Health/Check), over HTTP/2 without TLS, as Kubernetes makes it.
import http2 from "node:http2";
import { Buffer } from "node:buffer";
import { probeReplyBytes } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { ProbeResult } from "./http.ts";

/** Value of HealthCheckResponse.status that means SERVING. */
const serving = 1;

export function grpcCheck(
  { clock }: { clock: Clock },
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
    const finish = (healthy: boolean, message: string): void => {
      cancel();
      session.destroy();
      resolve({ healthy, message });
    };
    const cancel = clock.after(timeoutMs, () => finish(false, `health check of ${host}:${port}: no answer within ${timeoutMs} ms`));
    session.on("error", (error) => finish(false, `health check of ${host}:${port}: ${error.message}`));
    const request = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "kube-probe/1.33",
    });
    let reply = Buffer.alloc(0), grpcStatus = "";
    request.on("response", (headers) => grpcStatus = String(headers["grpc-status"] ?? ""));
    request.on("trailers", (trailers) => grpcStatus = String(trailers["grpc-status"] ?? grpcStatus));
    request.on("data", (data) => {
      if (reply.length < probeReplyBytes) reply = Buffer.concat([reply, data]);
    });
    request.on("error", (error) => finish(false, `health check of ${host}:${port}: ${error.message}`));
    request.on("end", () => {
      if (grpcStatus !== "0") return finish(false, `health check of ${host}:${port}: gRPC status ${grpcStatus || "missing"}`);
      const status = statusIn(reply);
      finish(status === serving, status === serving ? "" : `service unhealthy (responded with status ${status})`);
    });
    request.end(frame(service));
  });
}

/** HealthCheckRequest{service} in a gRPC frame: one byte for compression, four for the length. */
function frame(service: string): Buffer {
  const name = Buffer.from(service), message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
/** Field 1 of HealthCheckResponse; a message without it says 0, UNKNOWN. */
const statusIn = (reply: Uint8Array): number => reply[5] === 0x08 ? reply[6] ?? 0 : 0;
