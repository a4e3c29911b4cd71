// One question to one webhook over HTTPS: bounded in time and in bytes, both ways. What it throws says what is so, as upstream's client would.
import { Buffer } from "node:buffer";
import * as https from "node:https";
import type { IncomingMessage } from "node:http";
import type { WebhookClientConfig } from "../../../shared/api/kinds/webhook_configuration.ts";
import { webhookAnswerBytes, webhookCalls } from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}
/** Where a service's port leads to. @throws Error */
export type Resolve = (service: { namespace: string; name: string; port: number }) => Promise<Address>;

export class WebhookCaller {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  #underway = 0;

  constructor(clock: Clock, resolve: Resolve) {
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** The body of its answer. @throws Error `failed to call webhook: …` */
  async call(
    client: WebhookClientConfig,
    question: object,
    { timeoutMs, timeoutSeconds }: { timeoutMs: number; timeoutSeconds: number },
  ): Promise<string> {
    const { service, url } = client;
    const shown = new URL(service ? `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${service.path ?? "/"}` : url!);
    shown.searchParams.set("timeout", `${timeoutSeconds}s`);
    const failure = (cause: unknown) => new Error(`failed to call webhook: ${words(cause, shown)}`, { cause });
    if (this.#underway >= webhookCalls) throw failure(new Error(`${webhookCalls} calls are under way already`));
    this.#underway++;
    const late = new AbortController(), cancel = this.#clock.after(timeoutMs, () => late.abort(new Error("context deadline exceeded")));
    try {
      const address = service ? await this.#resolve({ ...service, port: service.port ?? 443 }) : undefined;
      return await post(shown, address, client.caBundle, Buffer.from(JSON.stringify(question)), late.signal);
    } catch (error) {
      throw failure(late.signal.aborted ? late.signal.reason : error);
    } finally {
      cancel();
      this.#underway--;
    }
  }
}
/** A webhook's own answer speaks for itself. */
const words = (cause: unknown, url: URL): string =>
  cause instanceof BadAnswer ? cause.message : `Post "${url}": ${cause instanceof Error ? cause.message : String(cause)}`;
class BadAnswer extends Error {}

function post(
  url: URL,
  address: Address | undefined,
  caBundle: string | undefined,
  payload: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = https.request({
      method: "POST",
      host: address?.host ?? url.hostname.replace(/^\[|\]$/g, ""),
      port: address?.port ?? (url.port || 443),
      path: `${url.pathname}${url.search}`,
      servername: /^[\d.]+$|^\[/.test(url.hostname) ? "" : url.hostname, // a name, also where an address of its service is asked
      agent: false,
      ...(caBundle && { ca: Buffer.from(caBundle, "base64") }),
      headers: { host: url.host, "content-type": "application/json", accept: "application/json", "content-length": payload.byteLength },
    }, (response) => read(response, resolve, reject));
    const stop = () => sent.destroy(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    sent.once("close", () => signal.removeEventListener("abort", stop));
    // Later ones, of a connection that breaks after all is said, are nobody's business.
    sent.on("error", reject);
    sent.end(payload);
    if (signal.aborted) stop();
  });
}
function read(response: IncomingMessage, resolve: (body: string) => void, reject: (error: Error) => void): void {
  const { statusCode = 0 } = response, chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= webhookAnswerBytes) return void chunks.push(chunk);
    // First said, then cut: what comes of that is no other error.
    reject(new BadAnswer(`the answer has more than ${webhookAnswerBytes} bytes`));
    response.destroy();
  });
  response.on("error", reject);
  response.on("end", () => {
    if (statusCode >= 200 && statusCode <= 299) resolve(Buffer.concat(chunks).toString());
    else reject(new BadAnswer(`the server responded with the status code ${statusCode} but did not return more information`));
  });
}
