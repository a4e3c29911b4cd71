// Sealing to a node's key: HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, one message a context. Neither the
// broker nor a bundle nor a backup of the master's messages holds a Secret in the clear. It does not protect against somebody who holds the node's card.
import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";

const kemId = Buffer.from([0, 0x20]), kdfId = Buffer.from([0, 1]), aeadId = Buffer.from([0, 3]);
const kemSuite = Buffer.concat([Buffer.from("KEM"), kemId]);
const hpkeSuite = Buffer.concat([Buffer.from("HPKE"), kemId, kdfId, aeadId]);
const version = Buffer.from("HPKE-v1"), none = Buffer.alloc(0), tagBytes = 16, keyBytes = 32;
const spkiHead = Buffer.from("302a300506032b656e032100", "hex"), pkcs8Head = Buffer.from("302e020100300506032b656e04220420", "hex");

export interface SealKeyPair {
  /** Raw X25519 keys, base64. */
  readonly publicKey: string;
  readonly privateKey: string;
}

export function generateSealKey(): SealKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return {
    publicKey: rawPublic(publicKey).toString("base64"),
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }).subarray(-keyBytes).toString("base64"),
  };
}

/** What the two sides must agree on besides the key: a body sealed for one object of one node opens nowhere else. */
export const sealInfo = (clusterId: string, nodeId: string, uid: string): string => `skerry seal v1 ${clusterId} ${nodeId} ${uid}`;

/** @returns enc | ciphertext | tag */
export function seal(publicKey: string, info: string, plain: Uint8Array): Uint8Array {
  return sealWith(generateKeyPairSync("x25519").privateKey, Buffer.from(publicKey, "base64"), Buffer.from(info), none, plain);
}

/** The deterministic half, for the RFC's vectors: with the ephemeral key handed in. */
export function sealWith(ephemeral: KeyObject, recipient: Buffer, info: Buffer, aad: Buffer, plain: Uint8Array): Uint8Array {
  const enc = rawPublic(createPublicKey(ephemeral));
  const { key, nonce } = schedule(sharedSecret(ephemeral, publicFrom(recipient), enc, recipient), info);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad, { plaintextLength: plain.length });
  return Buffer.concat([enc, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error when it was not sealed for this key and info, or was changed */
export function unseal(privateKey: string, info: string, sealed: Uint8Array, aad: Buffer = none): Uint8Array {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < keyBytes + tagBytes) throw new Error("Cannot unseal: it is too short");
  const secret = privateFrom(Buffer.from(privateKey, "base64")), enc = bytes.subarray(0, keyBytes);
  const { key, nonce } = schedule(sharedSecret(secret, publicFrom(enc), enc, rawPublic(createPublicKey(secret))), Buffer.from(info));
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(aad, { plaintextLength: bytes.length - keyBytes - tagBytes });
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(keyBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new Error("Cannot unseal: it was sealed for another key or object, or changed", { cause });
  }
}

export const privateFrom = (raw: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([pkcs8Head, raw]), format: "der", type: "pkcs8" });
const publicFrom = (raw: Buffer): KeyObject => createPublicKey({ key: Buffer.concat([spkiHead, raw]), format: "der", type: "spki" });
const rawPublic = (key: KeyObject): Buffer => Buffer.from(key.export({ format: "der", type: "spki" }).subarray(-keyBytes));

/** RFC 9180 §4.1, Encap and Decap. */
function sharedSecret(mine: KeyObject, theirs: KeyObject, enc: Buffer, recipient: Buffer): Buffer {
  const prk = labeledExtract(kemSuite, none, "eae_prk", diffieHellman({ privateKey: mine, publicKey: theirs }));
  return labeledExpand(kemSuite, prk, "shared_secret", Buffer.concat([enc, recipient]), keyBytes);
}

/** RFC 9180 §5.1, KeySchedule in base mode; a single message uses the base nonce as it is. */
function schedule(secret: Buffer, info: Buffer): { key: Buffer; nonce: Buffer } {
  const context = Buffer.concat([
    Buffer.from([0]),
    labeledExtract(hpkeSuite, none, "psk_id_hash", none),
    labeledExtract(hpkeSuite, none, "info_hash", info),
  ]);
  const prk = labeledExtract(hpkeSuite, secret, "secret", none);
  return { key: labeledExpand(hpkeSuite, prk, "key", context, keyBytes), nonce: labeledExpand(hpkeSuite, prk, "base_nonce", context, 12) };
}

const hmac = (key: Buffer, ...parts: Buffer[]): Buffer => parts.reduce((mac, part) => mac.update(part), createHmac("sha256", key)).digest();
const labeledExtract = (suite: Buffer, salt: Buffer, label: string, input: Buffer): Buffer =>
  hmac(salt.length > 0 ? salt : Buffer.alloc(32), version, suite, Buffer.from(label), input);
/** RFC 5869 §2.3 with RFC 9180's label; every length we need fits one block. */
function labeledExpand(suite: Buffer, prk: Buffer, label: string, info: Buffer, length: number): Buffer {
  return hmac(prk, Buffer.from([0, length]), version, suite, Buffer.from(label), info, Buffer.from([1])).subarray(0, length);
}
