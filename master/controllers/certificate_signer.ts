// Signs what somebody has approved for clients of the API: how a person gets in. Devices join another way, and are never made here; nor are administrators.
import { Buffer } from "node:buffer";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
  clientSigner,
  isApproved,
} from "../../shared/api/kinds/certificate_signing_request.ts";
import { clientCertificateSeconds } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";

/** What the cluster's authority does for this controller. */
export interface ClientAuthority {
  /** Whom a request (PEM) is about, if its own key has signed it. */
  subjectOf(request: string): Promise<{ readonly commonName: string; readonly organizations: readonly string[] } | undefined>;
  /** @returns PEM */
  sign(
    request: string,
    subject: { readonly commonName: string; readonly organizations: readonly string[]; readonly uris: readonly string[] },
    dates: { readonly notBefore: Date; readonly notAfter: Date },
  ): Promise<string>;
}
type Subject = NonNullable<Awaited<ReturnType<ClientAuthority["subjectOf"]>>>;

/** Why no certificate is given; undefined: it is. Names are what every reader of a certificate reads alike, so no line end or comma may stand in them. */
export function objection(spec: CertificateSigningRequest["spec"], subject: Subject | undefined): string | undefined {
  const usages = spec.usages ?? [], plain = /^[A-Za-z0-9](?:[A-Za-z0-9:@._ -]{0,62}[A-Za-z0-9])?$/;
  if (!subject) return "the request cannot be read, or its own key has not signed it";
  if (
    !usages.includes("client auth") || usages.some((usage) => !["client auth", "digital signature", "key encipherment"].includes(usage))
  ) {
    return "usages must be client auth, with digital signature and key encipherment if at all";
  }
  const { commonName, organizations } = subject;
  if (![commonName, ...organizations].every((name) => plain.test(name))) {
    return "CN and O must be 1 to 64 letters, digits, and :@._ - or spaces in between";
  }
  if (organizations.includes("system:masters")) {
    return "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed";
  }
  if (organizations.includes("system:nodes") || commonName.startsWith("system:node:")) return "a device gets its certificate when it joins";
  return undefined;
}

export const certificateSigner = (authority: ClientAuthority, clock: Clock): Controller => ({
  name: "certificate-signer",
  *keysOf({ kind, after }) {
    if (kind.group === certificateSigningRequests.group && kind.plural === certificateSigningRequests.plural && after) yield after.name;
  },
  *allKeys(cache) {
    for (const { name } of cache.list(certificateSigningRequests)) yield name;
  },
  async reconcile(name, { cache, registry }) {
    const found = cache.get(certificateSigningRequests, "", name);
    if (!found || found.deleting || !isOpen(found.object)) return;
    const { spec } = found.object, request = Buffer.from(spec.request, "base64").toString();
    const subject = await authority.subjectOf(request), why = objection(spec, subject), now = clock.now();
    const seconds = Math.min(spec.expirationSeconds ?? clientCertificateSeconds, clientCertificateSeconds);
    // An hour back: the clock of who uses it may be behind ours.
    const dates = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + seconds * 1000) };
    const certificate = why === undefined ? await authority.sign(request, { ...subject!, uris: [] }, dates) : undefined;
    await registry.modify(certificateSigningRequests, { name }, (object) => {
      if (object.metadata?.uid !== found.uid || !isOpen(object)) return;
      object.status = certificate !== undefined
        ? { ...object.status, certificate: Buffer.from(certificate).toString("base64") }
        : { ...object.status, conditions: [...object.status?.conditions ?? [], failed(why!, now)] };
    }, { subresource: "status" }).catch(unless("NotFound"));
  },
});

const isOpen = (object: CertificateSigningRequest): boolean =>
  object.spec.signerName === clientSigner && isApproved(object) && !object.status?.certificate &&
  !object.status?.conditions?.some(({ type }) => type === "Failed");
function failed(message: string, now: number) {
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  return { type: "Failed", status: "True", reason: "SignerValidationFailure", message, lastUpdateTime: time, lastTransitionTime: time };
}
