// The API as the command line reaches it: with the admin's kubeconfig, whose credentials are inside it.
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import * as v from "valibot";
import { parse } from "yaml";
import { apiAnswerBytes, apiTimeoutMs } from "../../shared/limits.ts";

const Kubeconfig = v.object({
  clusters: v.pipe(
    v.array(v.object({ cluster: v.object({ server: v.string(), "certificate-authority-data": v.string() }) })),
    v.minLength(1),
  ),
  users: v.pipe(
    v.array(v.object({ user: v.object({ "client-certificate-data": v.string(), "client-key-data": v.string() }) })),
    v.minLength(1),
  ),
});

/** What went wrong, in words for whoever typed the command, and the exit status: 2, it cannot be done so; 1, it was done and went wrong. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly status: number;
  constructor(message: string, { status = 2, ...options }: { status?: 1 | 2; cause?: unknown } = {}) {
    super(message, options);
    this.status = status;
  }
}

export interface Client {
  /** PEM of the cluster's CA. */
  readonly ca: string;
  /** @throws CommandError with the server's own words */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A file, which begins to come within `withinMs`. `bytes`: as many as the master says it has. @throws CommandError */
  download(path: string, withinMs: number): Promise<{ readonly bytes: number; readonly chunks: AsyncIterable<Uint8Array> }>;
}

/** @throws CommandError when the file cannot be read or used */
export async function openClient(kubeconfigPath: string): Promise<Client> {
  const text = await readFile(kubeconfigPath, "utf8").catch((cause) => {
    throw new CommandError(
      `Cannot read ${kubeconfigPath}: ${cause.message}. It is written when a master first starts; --data-dir or --kubeconfig say where`,
      { cause },
    );
  });
  const parsed = v.safeParse(Kubeconfig, parse(text));
  if (!parsed.success) throw new CommandError(`Cannot use ${kubeconfigPath}: it is not a kubeconfig with embedded credentials`);
  const [{ cluster }] = parsed.output.clusters as [(typeof parsed.output.clusters)[number]],
    [{ user }] = parsed.output.users as [(typeof parsed.output.users)[number]];
  const pem = (base64: string): string => Buffer.from(base64, "base64").toString();
  const tls = {
    ca: pem(cluster["certificate-authority-data"]),
    cert: pem(user["client-certificate-data"]),
    key: pem(user["client-key-data"]),
  };
  return {
    ca: tls.ca,
    request: (method, path, body) => request(cluster.server, tls, method, path, body),
    download: (path, withinMs) => download(cluster.server, tls, path, withinMs),
  };
}

async function download(server: string, tls: https.RequestOptions, path: string, withinMs: number) {
  const url = new URL(path, server);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = https.request(url, { ...tls, agent: false, timeout: withinMs }, resolve);
    sent.on("timeout", () => sent.destroy(new Error(`nothing came for ${withinMs} ms`)));
    sent.on("error", (cause) => reject(unreachable(url, cause)));
    sent.end();
  });
  if (response.statusCode === 200) return { bytes: Number(response.headers["content-length"] ?? 0), chunks: response };
  const text = (await response.toArray()).join("");
  throw new CommandError(`The master refused: ${wordsOf(text) ?? response.statusCode}`);
}
const unreachable = (url: URL, cause: Error): CommandError =>
  new CommandError(`Cannot reach ${url.origin}: ${cause.message}. Is the master running?`, { cause });

/** The message of a Status. */
function wordsOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return undefined;
  }
}

function request(server: string, tls: https.RequestOptions, method: string, path: string, body: unknown): Promise<unknown> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body)), url = new URL(path, server);
  const headers = { accept: "application/json", ...(payload && { "content-type": "application/json", "content-length": payload.length }) };
  return new Promise((resolve, reject) => {
    const sent = https.request(url, { ...tls, method, headers, agent: false, timeout: apiTimeoutMs }, (response) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      response.on("data", (chunk: Uint8Array) => {
        bytes += chunk.length;
        if (bytes > apiAnswerBytes) sent.destroy(new Error(`the answer is longer than ${apiAnswerBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        try {
          const answer = JSON.parse(text) as { message?: string };
          if (response.statusCode! < 400) resolve(answer);
          else reject(new CommandError(`The master refused: ${answer.message ?? response.statusCode}`));
        } catch (cause) {
          reject(new CommandError(`Cannot understand the answer of ${url.origin} (status ${response.statusCode})`, { cause }));
        }
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${apiTimeoutMs} ms`)));
    sent.on("error", (cause) => reject(unreachable(url, cause)));
    sent.end(payload);
  });
}
