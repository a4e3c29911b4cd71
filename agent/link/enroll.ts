// How a device comes into the fleet. The token carries the hash of the cluster's CA, so the first answer can be checked although nothing is known yet: fetch
// the CA over TLS that is not believed, hold it against the token, hold the server's certificate against it, and only then say the secret.
import { Buffer } from "node:buffer";
import { createHash, X509Certificate } from "node:crypto";
import https from "node:https";
import type { TLSSocket } from "node:tls";
import * as v from "valibot";
import { enrolBackoff, enrolTimeoutMs, joinAnswerBytes } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import { base32 } from "../../shared/util/base32.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { Authorities, bearerOf, Joined, joinPaths, type JoinRequest, parseToken } from "../../shared/wire/join.ts";
import { certificateRequest, type Identity, type IdentityFiles } from "./identity.ts";

/** What will not become right by trying again. */
export class EnrolError extends Error {
  override name = "EnrolError";
}

export interface EnrolConfig {
  /** `https://host[:port]`, tried in turn. */
  readonly masters: readonly string[];
  readonly token: string;
  readonly wish: { readonly name?: string; readonly labels: Readonly<Record<string, string>> };
  readonly serial?: string;
  readonly machineIdHash?: string;
  readonly agentVersion: string;
}

/** Tries until it has succeeded, the signal aborts, or it is told that trying again is of no use. @throws EnrolError, the signal's reason */
export async function enrol(
  { files, clock, random, log }: { files: IdentityFiles; clock: Clock; random: Random; log: Log },
  config: EnrolConfig,
  signal: AbortSignal,
): Promise<Identity> {
  const token = parseToken(config.token);
  if (!token) {
    throw new EnrolError("Cannot join: the token is not of the form sk1.<id>.<secret>.<hash>; `skerry-master token create` prints one");
  }
  const keys = await files.keys();
  const request: JoinRequest = {
    csr: await certificateRequest(keys.key, config.wish.name ?? "skerry-node"),
    sealKey: keys.seal.publicKey,
    wish: { ...(config.wish.name && { name: config.wish.name }), labels: { ...config.wish.labels } },
    ...(config.serial && { serial: config.serial }),
    ...(config.machineIdHash && { machineIdHash: config.machineIdHash }),
    agentVersion: config.agentVersion,
    wire: [1],
  };
  let delayMs = 0;
  for (let attempt = 0;; attempt++) {
    const master = config.masters[attempt % config.masters.length]!;
    try {
      const ca = await trustedAuthority(master, token.caHash, signal);
      const joined = await join(master, ca, bearerOf(token), request, signal);
      await files.enrolled(joined, joined.certificate, joined.ca.join("\n"));
      return (await files.load())!;
    } catch (error) {
      if (error instanceof EnrolError || signal.aborted) throw error;
      delayMs = nextDelay(enrolBackoff, delayMs, random);
      log.info("Cannot join yet; will try again", { master, delayMs: Math.round(delayMs), error });
      await sleep(clock, delayMs, signal);
    }
  }
}

/** The CA whose hash the token carries, proven to be the one behind the server's certificate. */
async function trustedAuthority(master: string, caHash: string, signal: AbortSignal): Promise<string> {
  const answer = await ask(master, joinPaths.ca, { rejectUnauthorized: false }, signal);
  const { ca } = understood(v.safeParse(Authorities, answer.body), master);
  const trusted = ca.find((pem) => authorityHash(pem) === caHash);
  if (!trusted) {
    throw new EnrolError(
      `Cannot join ${master}: its certificate authority is not the one the token is for. Is the token of another cluster, or is somebody in between?`,
    );
  }
  if (!answer.certificate || !new X509Certificate(answer.certificate).verify(new X509Certificate(trusted).publicKey)) {
    throw new EnrolError(`Cannot join ${master}: it shows the right certificate authority, but its own certificate is not signed by it`);
  }
  return trusted;
}

/** SHA-256 of the SubjectPublicKeyInfo in base32; undefined for what is no certificate. */
function authorityHash(pem: string): string | undefined {
  try {
    return base32(createHash("sha256").update(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" })).digest());
  } catch {
    return undefined; // not a certificate: it cannot be the one
  }
}

async function join(master: string, ca: string, bearer: string, request: JoinRequest, signal: AbortSignal): Promise<Joined> {
  // The CA is pinned; the name is not looked at: a master may be reached under any.
  const options = {
    method: "POST",
    ca,
    checkServerIdentity: () => undefined,
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
  };
  const { status, body } = await ask(master, joinPaths.nodes, options, signal, JSON.stringify(request));
  if (status === 200 || status === 201) return understood(v.safeParse(Joined, body), master);
  const said = typeof body === "object" && body !== null && "error" in body
    ? String(body.error)
    : typeof body === "object" && body !== null && "message" in body
    ? String(body.message)
    : `status ${status}`;
  if (status >= 400 && status < 500 && status !== 429) throw new EnrolError(`Cannot join ${master}: ${said}`);
  throw new Error(`${master} cannot take this node now: ${said}`);
}

function understood<T>(result: { success: true; output: T } | { success: false }, master: string): T {
  if (!result.success) throw new Error(`${master} gave an answer that is not understood; is it a Skerry master?`);
  return result.output;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly certificate: Uint8Array | undefined;
}
function ask(master: string, path: string, options: https.RequestOptions, signal: AbortSignal, payload?: string): Promise<Answer> {
  const url = new URL(path, master.includes("://") ? master : `https://${master}`);
  if (url.port === "" && !/:\d+\/?$/.test(master)) url.port = "6443";
  return new Promise((resolve, reject) => {
    const body = payload === undefined ? undefined : Buffer.from(payload);
    const headers = { ...options.headers, ...(body && { "content-length": body.length }) };
    const request = https.request(url, { ...options, headers, agent: false, signal, timeout: enrolTimeoutMs }, (response) => {
      const certificate = (response.socket as TLSSocket).getPeerCertificate()?.raw, chunks: Uint8Array[] = [];
      let bytes = 0;
      response.on("data", (chunk: Uint8Array) => {
        bytes += chunk.length;
        if (bytes > joinAnswerBytes) request.destroy(new Error("its answer is too long"));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        try {
          resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()), certificate });
        } catch {
          resolve({ status: response.statusCode!, body: undefined, certificate });
        }
      });
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${enrolTimeoutMs} ms`)));
    request.on("error", (cause) => reject(new Error(`Cannot reach ${url.origin}: ${cause.message}`, { cause })));
    request.end(body);
  });
}
