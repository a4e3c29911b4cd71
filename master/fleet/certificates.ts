// Certificates of nodes: what stands in them comes from the Enrollment, never from the request.
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { type Enrollment, enrollments } from "../../shared/api/kinds/enrollment.ts";
import { ApiError } from "../../shared/api/status.ts";
import { nodeCertificateDays } from "../../shared/limits.ts";
import { type Authority, requestKeyHash } from "../pki/authority.ts";
import type { Registry, Stored } from "../registry/registry.ts";
import { nodeGroup, nodeUser } from "./enrollments.ts";

const dayMs = 24 * 3600 * 1000;
const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

export interface CertificatesNeeds {
  readonly registry: Registry;
  readonly authority: Pick<Authority, "sign">;
  readonly clusterId: () => string;
  readonly now: () => number;
}

/** A certificate for one of the node's keys, PEM; what was issued is noted in the Enrollment's status. @throws ApiError BadRequest */
export async function issueNodeCertificate(
  { registry, authority, clusterId, now }: CertificatesNeeds,
  enrollment: Stored<Enrollment>,
  csr: string,
): Promise<string> {
  const { name: nodeId, object: { spec: { nodeName } } } = enrollment, from = now();
  // A day back: who judges the dates is a master, and another one's clock may be behind.
  const dates = { notBefore: new Date(Math.max(0, from - dayMs)), notAfter: new Date(from + nodeCertificateDays * dayMs) };
  const certificate = await authority.sign(csr, {
    commonName: nodeUser(nodeName),
    organizations: [nodeGroup],
    uris: [`skerry://${clusterId()}/node/${nodeId}`],
  }, dates);
  const { serialNumber } = new X509Certificate(Buffer.from(certificate));
  await registry.modify(enrollments, { name: nodeId }, (object) => {
    object.status = {
      ...object.status,
      certificateSerial: serialNumber.toLowerCase(),
      certificateNotAfter: time(dates.notAfter.getTime()),
    };
  }, { subresource: "status" });
  return certificate;
}

/**
 * A new certificate for an enrolled node, also for one whose old certificate's dates are wrong. With a new key in the request the node changes to that key:
 * the one it has just proved stays valid until the next change, so that a lost answer shuts nobody out.
 * @throws ApiError
 */
export async function renewCertificate(needs: CertificatesNeeds, nodeId: string, provenKey: string, csr: string): Promise<string> {
  const key = await requestKeyHash(csr);
  if (!key) throw new ApiError("BadRequest", "Cannot renew the certificate: the request is not signed by its own key");
  const enrollment = await needs.registry.modify(enrollments, { name: nodeId }, (object) => {
    if (object.spec.revoked) throw new ApiError("Forbidden", `Cannot renew the certificate: node ${nodeId} was shut out`);
    if (object.spec.publicKeys.includes(key)) return undefined;
    object.spec.publicKeys = [provenKey, key];
    return object;
  });
  return await issueNodeCertificate(needs, enrollment, csr);
}
