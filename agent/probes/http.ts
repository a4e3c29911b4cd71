// A probe by HTTP: 200 to 399 is healthy. A redirect to another host is a healthy answer and is not followed, nor is any other: it says that the server lives.
import http from "node:http";
import https from "node:https";
import type { HTTPGetAction } from "../../shared/api/kinds/pod/probe.ts";
import { probeReplyBytes } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";

export interface ProbeResult {
  readonly healthy: boolean;
  readonly message: string;
}

export function httpGet(
  { clock }: { clock: Clock },
  action: HTTPGetAction,
  host: string,
  port: number,
  timeoutMs: number,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (result: ProbeResult): void => {
      cancel();
      resolve(result);
      request.destroy();
    };
    const fail = (message: string): void => finish({ healthy: false, message });
    const headers: Record<string, string> = { "user-agent": "kube-probe/1.33", accept: "*/*", connection: "close" };
    for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
    const { request: make } = action.scheme === "HTTPS" ? https : http;
    const request = make({
      host,
      port,
      path: action.path || "/",
      method: "GET",
      headers,
      agent: false,
      ...(action.scheme === "HTTPS" && { rejectUnauthorized: false }), // as Kubernetes: it asks for life, not for identity
    });
    const cancel = clock.after(timeoutMs, () => fail(`Get "${host}:${port}${action.path ?? "/"}": no answer within ${timeoutMs} ms`));
    request.on("error", (error) => fail(`Get "${host}:${port}${action.path ?? "/"}": ${error.message}`));
    request.on("response", (response) => {
      const { statusCode = 0 } = response, healthy = statusCode >= 200 && statusCode < 400;
      const done = (): void => finish({ healthy, message: healthy ? "" : `HTTP probe failed with statuscode: ${statusCode}` });
      response.on("data", (data) => {
        bytes += data.length;
        if (bytes > probeReplyBytes) done();
      });
      response.on("end", done);
      response.on("error", (error) => fail(error.message));
    });
    request.end();
  });
}
