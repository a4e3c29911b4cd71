// The cluster's own certificate authority. CA and server certificates hold from 1970 to 9999 (RFC 5280 §4.1.2.5: no well-defined end), so that no device
// needs a clock to trust its master. Node certificates hold a year and are renewed at half.
import "reflect-metadata";
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { base32 } from "../../shared/util/base32.ts";

x509.cryptoProvider.set(webcrypto as never);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const always = { notBefore: new Date("1970-01-01T00:00:00Z"), notAfter: new Date("9999-12-31T23:59:59Z") };
const usage = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

export interface KeyPair {
  readonly certificate: string; // PEM
  readonly key: string; // PEM, PKCS #8
}
/** Who a certificate speaks for. What it says is only believed after `verify`. */
export interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** URI subject alternative names. */
  readonly uris: readonly string[];
}
export interface Verified extends Subject {
  /** SHA-256 of the SubjectPublicKeyInfo, hex: what an enrolment knows a node by. */
  readonly keyHash: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly serial: string;
}

export class Authority {
  readonly certificate: string;
  /** `SHA-256(SubjectPublicKeyInfo)` in base32: what a join token carries. */
  readonly hash: string;
  readonly #certificate: x509.X509Certificate;
  readonly #publicKey: KeyObject;
  readonly #key: CryptoKey;

  private constructor(certificate: x509.X509Certificate, key: CryptoKey) {
    this.#certificate = certificate;
    this.#key = key;
    this.certificate = certificate.toString("pem") + "\n";
    this.#publicKey = createPublicKey({ key: Buffer.from(certificate.publicKey.rawData), format: "der", type: "spki" });
    this.hash = publicKeyHash(certificate.publicKey.rawData);
  }

  static async create(name: string): Promise<{ authority: Authority; key: string }> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      ...always,
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { authority: new Authority(certificate, keys.privateKey), key: await exportKey(keys.privateKey) };
  }

  static async load(pair: KeyPair): Promise<Authority> {
    const key = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pair.key), algorithm, false, ["sign"]);
    return new Authority(new x509.X509Certificate(pair.certificate), key as CryptoKey);
  }

  /** A server certificate for these DNS names and IP addresses. */
  async issueServer(names: readonly string[]): Promise<KeyPair> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    const alternative = names.map((name) => ({ type: isAddress(name) ? "ip" as const : "dns" as const, value: name }));
    const certificate = await this.#issue(keys.publicKey, "CN=skerry-master", always, [usage.server, usage.client], [
      new x509.SubjectAlternativeNameExtension(alternative),
    ]);
    return { certificate, key: await exportKey(keys.privateKey) };
  }

  /** A client certificate with a key made here: for the admin's kubeconfig. */
  async issueClient(subject: Subject): Promise<KeyPair> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    return { certificate: await this.#client(keys.publicKey, subject, always), key: await exportKey(keys.privateKey) };
  }

  /** Subject and names come from our own records, never from the request. @throws Error when the request is not signed by its own key */
  async sign(request: string, subject: Subject, dates: { notBefore: Date; notAfter: Date }): Promise<string> {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    if (!await parsed.verify()) throw new Error("Cannot sign the certificate request: its signature is wrong");
    return this.#client(parsed.publicKey, subject, dates);
  }

  /** Whom a request is about, if it is signed by its own key: all of its CN and O, and nothing else of it counts. */
  async subjectOf(request: string): Promise<Omit<Subject, "uris"> | undefined> {
    try {
      const parsed = new x509.Pkcs10CertificateRequest(request), [commonName, ...more] = parsed.subjectName.getField("CN");
      if (commonName === undefined || more.length > 0 || !await parsed.verify()) return undefined;
      return { commonName, organizations: parsed.subjectName.getField("O") };
    } catch {
      return undefined; // not a request
    }
  }

  #client(key: x509.PublicKeyType, subject: Subject, dates: { notBefore: Date; notAfter: Date }): Promise<string> {
    const name = [{ CN: [subject.commonName] }, ...subject.organizations.map((o) => ({ O: [o] }))];
    const names = subject.uris.length === 0
      ? []
      : [new x509.SubjectAlternativeNameExtension(subject.uris.map((value) => ({ type: "url" as const, value })))];
    return this.#issue(key, name, dates, [usage.client], names);
  }

  async #issue(
    publicKey: x509.PublicKeyType,
    subject: string | x509.JsonName,
    dates: { notBefore: Date; notAfter: Date },
    usages: string[],
    names: x509.Extension[],
  ): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: this.#certificate.subject,
      ...dates,
      publicKey,
      signingKey: this.#key,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
        ...names,
      ],
    });
    return certificate.toString("pem") + "\n";
  }

  /**
   * Who this raw certificate speaks for if we signed it; undefined otherwise. Dates are the caller's to judge: the runtimes' own `authorized` cannot tell an
   * expired certificate from a forged one.
   */
  verify(raw: Uint8Array): Verified | undefined {
    try {
      const certificate = new X509Certificate(raw);
      if (!certificate.verify(this.#publicKey)) return undefined;
      // What follows was written by us, so the short texts that the runtimes make of it are unambiguous; a full parser takes twenty times as long.
      const subject = certificate.subject.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
      const names = certificate.subjectAltName?.split(", ") ?? [];
      return {
        commonName: subject.find(([name]) => name === "CN")?.[1] ?? "",
        organizations: subject.filter(([name]) => name === "O").map(([, value]) => value!),
        uris: names.filter((name) => name.startsWith("URI:")).map((name) => name.slice("URI:".length)),
        keyHash: createHash("sha256").update(certificate.publicKey.export({ format: "der", type: "spki" })).digest("hex"),
        notBefore: Date.parse(certificate.validFrom),
        notAfter: Date.parse(certificate.validTo),
        serial: certificate.serialNumber.toLowerCase(),
      };
    } catch {
      return undefined; // not a certificate: whoever sent it is nobody
    }
  }
}

/** The O of a request (PEM), whoever has signed it; none where it cannot be read. */
export function requestOrganizations(request: string): readonly string[] {
  try {
    return new x509.Pkcs10CertificateRequest(request).subjectName.getField("O");
  } catch {
    return [];
  }
}

/** Hash of the public key in a request, hex, if its signature is right. */
export async function requestKeyHash(request: string): Promise<string | undefined> {
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    return await parsed.verify() ? createHash("sha256").update(Buffer.from(parsed.publicKey.rawData)).digest("hex") : undefined;
  } catch {
    return undefined;
  }
}

const publicKeyHash = (spki: ArrayBuffer): string => base32(createHash("sha256").update(Buffer.from(spki)).digest());
const isAddress = (name: string): boolean => /^[\d.]+$/.test(name) || name.includes(":");

/** Positive and 127 bits long, in hex. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  return x509.PemConverter.encode(der, "PRIVATE KEY") + "\n";
}
