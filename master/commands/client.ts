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
export async function openClient({ kubeconfig, dataDir }: { readonly kubeconfig: string; readonly dataDir: string }): Promise<Client> {
  const kubeconfigPath = kubeconfig || `${dataDir}/admin.kubeconfig`;
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
  const call = (method: string, path: string, withinMs: number, body?: unknown) => send(cluster.server, tls, method, path, withinMs, body);
  return {
    ca: tls.ca,
    async request(method, path, body) {
      const response = await call(method, path, apiTimeoutMs, body);
      try {
        return JSON.parse(await textOf(response));
      } catch (cause) {
        const sentence = `Cannot understand the answer of ${cluster.server} (status ${response.statusCode}): ${(cause as Error).message}`;
        throw new CommandError(sentence, { cause, status: 1 });
      }
    },
    async download(path, withinMs) {
      const response = await call("GET", path, withinMs);
      return { bytes: Number(response.headers["content-length"] ?? 0), chunks: response };
    },
  };
}

/** Resolves with a good answer when it begins. @throws CommandError */
async function send(server: string, tls: https.RequestOptions, method: string, path: string, withinMs: number, body: unknown) {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body)), url = new URL(path, server);
  const headers = { accept: "application/json", ...(payload && { "content-type": "application/json", "content-length": payload.length }) };
  let isSent = false;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = https.request(url, { ...tls, method, headers, agent: false, timeout: withinMs }, resolve);
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${withinMs} ms`)));
    sent.on("finish", () => isSent = true);
    sent.on("error", (cause) => reject(broken(url, method, isSent, cause)));
    sent.end(payload);
  });
  if (response.statusCode! < 300) return response;
  const text = await textOf(response).catch((cause) => {
    throw broken(url, method, isSent, cause);
  });
  throw new CommandError(`The master refused: ${wordsOf(text) ?? `status ${response.statusCode}`}`, {
    status: method !== "GET" && response.statusCode! >= 500 ? 1 : 2, // it may have begun
  });
}

const broken = (url: URL, method: string, isSent: boolean, cause: Error): CommandError =>
  isSent && method !== "GET"
    ? new CommandError(`Cannot tell whether ${url.origin} has done it: ${cause.message}. Look before you try again`, { cause, status: 1 })
    : new CommandError(`Cannot reach ${url.origin}: ${cause.message}. Is the master running?`, { cause });

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if ((bytes += chunk.length) > apiAnswerBytes) throw new Error(`the answer is longer than ${apiAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
/** The message of a Status. */
function wordsOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return undefined;
  }
}
