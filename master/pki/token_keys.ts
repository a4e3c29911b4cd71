// The keys that sign ServiceAccount tokens (JWS with ES256, RFC 7515 and 7518 §3.4). They are made from the CA's key (HKDF, RFC 5869), so every master that has
// the authority has them, with nothing further to copy, keep or back up. Each generation is another key; the one before and the one after are accepted too, so
// masters can be told to use the next one after another (`--token-key`), and a generation that is two behind is worth nothing any more.
import { Buffer } from "node:buffer";
import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from "node:crypto";
import { tokenCharacters } from "../../shared/limits.ts";

export interface JsonWebKey {
  readonly use: "sig";
  readonly kty: "EC";
  readonly kid: string;
  readonly alg: "ES256";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
}
export type Claims = Readonly<Record<string, unknown>>;

export const algorithm = "ES256";
const form = { dsaEncoding: "ieee-p1363" } as const;
/** Order of P-256 (FIPS 186-5 App. A.2.1 makes a key of that many bits and 64 more). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n, seedBytes = 48;

export class TokenKeys {
  readonly #signer: { readonly header: string; readonly key: KeyObject };
  readonly #accepted: ReadonlyMap<string, KeyObject>;
  /** The public keys that are accepted, as /openid/v1/jwks shows them. */
  readonly jwks: { readonly keys: readonly JsonWebKey[] };

  /** @param caKey PEM @param generation from 1 */
  constructor(caKey: string, generation = 1) {
    const secret = Buffer.from(createPrivateKey(caKey).export({ format: "jwk" }).d!, "base64url");
    const own = derive(secret, generation),
      others = [generation - 1, generation + 1].filter((at) => at >= 1).map((at) => derive(secret, at));
    this.#signer = { header: encode({ alg: algorithm, kid: own.jwk.kid }), key: own.privateKey };
    this.#accepted = new Map([own, ...others].map(({ jwk, publicKey }) => [jwk.kid, publicKey]));
    this.jwks = { keys: [own, ...others].map(({ jwk }) => jwk) };
  }

  sign(claims: Claims): string {
    const text = `${this.#signer.header}.${encode(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), { key: this.#signer.key, ...form }).toString("base64url")}`;
  }

  /** What it says, if one of our keys has signed it. Whether that still holds is not judged here. */
  verify(token: string): Claims | undefined {
    if (token.length > tokenCharacters) return undefined;
    const [header = "", payload = "", signature = "", ...more] = token.split(".");
    const { alg, kid } = decode(header) ?? {}, key = typeof kid === "string" ? this.#accepted.get(kid) : undefined;
    if (alg !== algorithm || !key || more.length > 0) return undefined;
    const isOurs = verify("sha256", Buffer.from(`${header}.${payload}`), { key, ...form }, Buffer.from(signature, "base64url"));
    return isOurs ? decode(payload) : undefined;
  }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? value as Claims : undefined;
  } catch {
    return undefined; // whoever sent it is nobody
  }
}

function derive(secret: Buffer, generation: number): { privateKey: KeyObject; publicKey: KeyObject; jwk: JsonWebKey } {
  const seed = Buffer.from(hkdfSync("sha256", secret, "", `skerry ServiceAccount tokens ${generation}`, seedBytes)).toString("hex");
  const d = Buffer.from((BigInt(`0x${seed}`) % (order - 1n) + 1n).toString(16).padStart(64, "0"), "hex");
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey(), x = point.subarray(1, 33).toString("base64url"), y = point.subarray(33).toString("base64url");
  const open = { kty: "EC", crv: "P-256", x, y } as const, publicKey = createPublicKey({ format: "jwk", key: open });
  const kid = createHash("sha256").update(publicKey.export({ format: "der", type: "spki" })).digest("base64url");
  return {
    privateKey: createPrivateKey({ format: "jwk", key: { ...open, d: d.toString("base64url") } }),
    publicKey,
    jwk: { use: "sig", kid, alg: algorithm, ...open },
  };
}
