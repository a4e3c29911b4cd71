// A rendered Secret on its way to a node and on the node's flash: instead of `data` it has `sealed`, base64 of seal(JSON of data). Its hash is that of
// uid and resourceVersion (desired.ts), because sealing gives other bytes each time.
import { Buffer } from "node:buffer";
import { seal, sealInfo, unseal } from "./seal.ts";

/** Who it is for. */
export interface Recipient {
  readonly clusterId: string;
  readonly nodeId: string;
}

/** @param body JSON of a rendered Secret @param sealKey the node's public key */
export function sealSecret(body: string, sealKey: string, { clusterId, nodeId }: Recipient): string {
  const { data = {}, ...rest } = JSON.parse(body) as { metadata: { uid: string }; data?: Record<string, string> };
  const sealed = seal(sealKey, sealInfo(clusterId, nodeId, rest.metadata.uid), Buffer.from(JSON.stringify(data)));
  return JSON.stringify({ ...rest, sealed: Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).toString("base64") });
}

/** The Secret's data, values in base64. To be kept in memory only. @throws Error when it was not sealed for this node and object */
export function openSecret(
  secret: { metadata: { uid: string }; sealed?: unknown },
  privateKey: string,
  { clusterId, nodeId }: Recipient,
): Record<string, string> {
  if (typeof secret.sealed !== "string") throw new Error("Cannot open a Secret: it carries nothing sealed");
  const plain = unseal(privateKey, sealInfo(clusterId, nodeId, secret.metadata.uid), Buffer.from(secret.sealed, "base64"));
  return JSON.parse(Buffer.from(plain.buffer, plain.byteOffset, plain.length).toString()) as Record<string, string>;
}
