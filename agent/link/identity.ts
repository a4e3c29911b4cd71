// Who this device is: a key made here that never leaves it, and what the cluster said when it was enrolled. The key is the identity; the certificate only
// says so until a date, and the name can be had by another.
import { Buffer } from "node:buffer";
import { generateKeyPairSync, webcrypto, X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import * as v from "valibot";
import { writeAtomic } from "../../shared/platform/files.ts";
import { generateSealKey, type SealKeyPair } from "../../shared/wire/seal.ts";

const NodeFacts = v.object({
  nodeId: v.string(),
  nodeName: v.string(),
  clusterId: v.string(),
  clusterEpoch: v.string(),
  /** `https://host:port`, any of them. */
  masters: v.array(v.string()),
});
export type NodeFacts = v.InferOutput<typeof NodeFacts>;

export interface DeviceKeys {
  /** PEM, PKCS #8, P-256. */
  readonly key: string;
  readonly seal: SealKeyPair;
}
export interface Identity extends NodeFacts, DeviceKeys {
  readonly certificate: string;
  readonly ca: string;
}

const SealKeys = v.object({ publicKey: v.string(), privateKey: v.string() });

/** The files of `<data-dir>/identity`. */
export class IdentityFiles {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The device's keys, made on the first call. They are kept whatever comes of enrolling: it may be repeated with the same key. */
  async keys(): Promise<DeviceKeys> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const [key, seal] = await Promise.all([this.#read("node.key"), this.#read("seal.json")]);
    if (key !== undefined && seal !== undefined) return { key, seal: v.parse(SealKeys, JSON.parse(seal)) };
    const made = {
      key: key ?? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      seal: generateSealKey(),
    };
    await writeAtomic(`${this.#directory}/seal.json`, JSON.stringify(made.seal));
    await writeAtomic(`${this.#directory}/node.key`, made.key);
    return made;
  }

  /** Undefined until it is enrolled. @throws Error naming the file that cannot be understood */
  async load(): Promise<Identity | undefined> {
    const [facts, certificate, ca] = await Promise.all([this.#read("node.json"), this.#read("node.crt"), this.#read("ca.crt")]);
    if (facts === undefined || certificate === undefined || ca === undefined) return undefined;
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), NodeFacts), facts);
    if (!parsed.success) throw new Error(`Cannot read ${this.#directory}/node.json: ${parsed.issues[0].message}`);
    return { ...parsed.output, ...await this.keys(), certificate, ca };
  }

  /** node.json comes last: with it on flash, the device is enrolled. */
  async enrolled(facts: NodeFacts, certificate: string, ca: string): Promise<void> {
    await writeAtomic(`${this.#directory}/ca.crt`, ca);
    await this.renewed(certificate);
    await this.facts(facts);
  }
  renewed(certificate: string): Promise<void> {
    return writeAtomic(`${this.#directory}/node.crt`, certificate);
  }
  facts(facts: NodeFacts): Promise<void> {
    const { nodeId, nodeName, clusterId, clusterEpoch, masters } = facts;
    return writeAtomic(`${this.#directory}/node.json`, JSON.stringify({ nodeId, nodeName, clusterId, clusterEpoch, masters }, null, 2));
  }

  /** The highest session number that may have been used: numbers are reserved in blocks, so that a session costs no write. */
  async session(): Promise<number> {
    return Number(await this.#read("session") ?? 0) || 0;
  }
  keepSession(session: number): Promise<void> {
    return writeAtomic(`${this.#directory}/session`, String(session));
  }

  #read(name: string): Promise<string | undefined> {
    return readFile(`${this.#directory}/${name}`, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
  }
}

/** A certificate request (PEM) signed by the device's key. Loads the X.509 library for this once: it is large, and needed once a year. */
export async function certificateRequest(key: string, name: string): Promise<string> {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const der = x509.PemConverter.decodeFirst(key);
  const privateKey = await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
  const { d: _, key_ops: _1, ...jwk } = await webcrypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await webcrypto.subtle.importKey("jwk", jwk, algorithm, true, ["verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys: { privateKey, publicKey } as never,
    signingAlgorithm: algorithm,
  });
  return request.toString("pem");
}

/** When the certificate begins and ends, ms since 1970. */
export function validity(certificate: string): { notBefore: number; notAfter: number } {
  const { validFrom, validTo } = new X509Certificate(Buffer.from(certificate));
  return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
}
