// How a device comes into the fleet: two requests over HTTPS, before it has a certificate.
//
//   GET  /join/v1/ca     → Authorities: whoever asks compares their hash with that in its token
//   POST /join/v1/nodes  bearer `<id>.<secret>`, JoinRequest → Joined, or { error }
//
// The POST may be repeated with the same key (a lost answer, a power cut before the fsync): it gives the same node again and uses the token up once.
import * as v from "valibot";

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const labels = v.record(text(317), text(63));

export const joinPaths = { ca: "/join/v1/ca", nodes: "/join/v1/nodes" } as const;

/** `sk1.<id>.<secret>.<caHash>`, each part lower-case base32; caHash is SHA-256 of the CA's SubjectPublicKeyInfo. */
export interface JoinToken {
  readonly id: string;
  readonly secret: string;
  readonly caHash: string;
}
const tokenText = /^sk1\.([a-z2-7]{6})\.([a-z2-7]{26})\.([a-z2-7]{52})$/;
export function parseToken(token: string): JoinToken | undefined {
  const [, id, secret, caHash] = tokenText.exec(token.trim()) ?? [];
  return id && secret && caHash ? { id, secret, caHash } : undefined;
}
export const formatToken = ({ id, secret, caHash }: JoinToken): string => `sk1.${id}.${secret}.${caHash}`;
/** What goes into the Authorization header. */
export const bearerOf = ({ id, secret }: Pick<JoinToken, "id" | "secret">): string => `${id}.${secret}`;
const bearerText = /^([a-z2-7]{6})\.([a-z2-7]{26})$/;
export function parseBearer(bearer: string): Pick<JoinToken, "id" | "secret"> | undefined {
  const [, id, secret] = bearerText.exec(bearer) ?? [];
  return id && secret ? { id, secret } : undefined;
}

export const JoinRequest = v.object({
  /** PKCS #10 as PEM. Its subject is not read: who the node is, the master says. */
  csr: text(8192),
  /** X25519 public key, 32 bytes in base64: what Secrets for this node are sealed to. */
  sealKey: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/)),
  wish: v.optional(v.object({ name: v.optional(text(253)), labels: v.optional(labels, {}) }), {}),
  serial: v.optional(text(128)),
  /** SHA-256 in hex. */
  machineIdHash: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  agentVersion: v.optional(text(64)),
  wire: v.optional(v.array(v.number()), [1]),
});
export type JoinRequest = v.InferOutput<typeof JoinRequest>;

export const Joined = v.object({
  nodeId: text(32),
  nodeName: text(253),
  clusterId: text(64),
  clusterEpoch: text(32),
  /** PEM. */
  certificate: text(16_384),
  ca: v.array(text(16_384)),
  /** Where masters are: `mqtts://host:port` for MQTT, `https://host:port` for all the rest and MQTT through a WebSocket. */
  masters: v.array(text(256)),
  /** ms since 1970 by the master's clock. */
  time: v.number(),
});
export type Joined = v.InferOutput<typeof Joined>;

/** PEM. */
export const Authorities = v.object({ ca: v.array(text(16_384)) });
export type Authorities = v.InferOutput<typeof Authorities>;
