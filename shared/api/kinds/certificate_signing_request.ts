import { Buffer } from "node:buffer";
import { age, humanDuration } from "../age.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { bytes, field, int32, kind, list, map, message, oneOf, optional, required, string, wrapped } from "../schema.ts";
import { time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Subdomain } from "../names.ts";
import { duplicate, forbidden, immutable, invalid, resource, unsupported } from "../resource.ts";

const certificates = "k8s.io.api.certificates.v1";
/** Signs for clients of the API. */
export const clientSigner = "kubernetes.io/kube-apiserver-client";

/** KeyUsage and ExtendedKeyUsage of RFC 5280 §4.2.1, in the words of the API. */
export const usage = oneOf(
  "signing",
  "digital signature",
  "content commitment",
  "key encipherment",
  "key agreement",
  "data encipherment",
  "cert sign",
  "crl sign",
  "encipher only",
  "decipher only",
  "any",
  "server auth",
  "client auth",
  "code signing",
  "email protection",
  "s/mime",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "timestamping",
  "ocsp signing",
  "microsoft sgc",
  "netscape sgc",
);

export class CertificateSigningRequestSpec
  extends message(`${certificates}.CertificateSigningRequestSpec`, "What is asked for, and by whom. It cannot change.", {
    request: required(1, bytes, "The request: PKCS #10 as PEM, in base64."),
    signerName: required(7, string, "Who shall sign, such as `kubernetes.io/kube-apiserver-client` or `skerry.dev/node`."),
    expirationSeconds: optional(8, int32, "Seconds the certificate shall be valid, if the signer can do that; at least 600."),
    usages: field(5, list(usage), "What the key may be used for.", { list: "atomic" }),
    username: field(2, string, "Who asks. Set by the server."),
    uid: field(3, string, "UID of who asks. Set by the server."),
    groups: field(4, list(string), "Groups of who asks. Set by the server.", { list: "atomic" }),
    extra: field(6, map(wrapped(`${certificates}.ExtraValue`, string)), "What else is known of who asks. Set by the server."),
  }) {}

export class CertificateSigningRequestCondition extends message(`${certificates}.CertificateSigningRequestCondition`, "What was decided.", {
  type: required(1, string, "Approved, Denied or Failed."),
  status: required(6, string, "True, False or Unknown; Approved, Denied and Failed can only be True.", { default: "True" }),
  reason: field(2, string, "Why, as one CamelCase word."),
  message: field(3, string, "Why, for people."),
  lastUpdateTime: field(4, time, "When this was last written."),
  lastTransitionTime: field(5, time, "When the status last changed."),
}) {}

export class CertificateSigningRequestStatus
  extends message(`${certificates}.CertificateSigningRequestStatus`, "What became of the request.", {
    conditions: field(1, list(CertificateSigningRequestCondition), "What was decided. A decision is not taken back.", {
      list: "map",
      keys: ["type"],
    }),
    certificate: field(2, bytes, "The certificate, and those it hangs on: PEM, in base64. Set by the signer once it is approved."),
  }) {}

export class CertificateSigningRequest extends kind(
  "certificates.k8s.io/v1",
  `${certificates}.CertificateSigningRequest`,
  "Asks for a certificate; somebody approves or denies, a signer signs.",
  {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    spec: required(2, CertificateSigningRequestSpec, "What is wanted."),
    status: field(3, CertificateSigningRequestStatus, "What is. Written by the system.", { default: {} }),
  },
) {}

const has = ({ status }: CertificateSigningRequest, type: string): boolean => status?.conditions?.some((it) => it.type === type) ?? false;
export const isApproved = (request: CertificateSigningRequest): boolean => has(request, "Approved") && !has(request, "Denied");

export const certificateSigningRequests = resource(CertificateSigningRequest, {
  plural: "certificatesigningrequests",
  short: ["csr"],
  namespaced: false,
  status: true,
  generation: false,
  subresources: [{ name: "approval", kind: "CertificateSigningRequest", verbs: ["get", "patch", "update"] }],
  selectable: { "spec.signerName": (request) => request.spec.signerName },
  columns: {
    Age: ({ metadata }, now) => age(metadata?.creationTimestamp, now),
    SignerName: (request) => request.spec.signerName,
    Requestor: (request) => request.spec.username || "<none>",
    RequestedDuration: ({ spec: { expirationSeconds } }) =>
      expirationSeconds === undefined ? "<none>" : humanDuration(expirationSeconds * 1000),
    Condition: (request) => {
      const decided = ["Approved", "Denied", "Failed"].filter((type) => has(request, type));
      return [...decided.length > 0 ? decided : ["Pending"], ...request.status?.certificate ? ["Issued"] : []].join();
    },
  },
  validate: (request, old) => [
    ...validateSpec(request.spec),
    ...validateDecision(request),
    ...old ? validateChange(request, old) : [],
  ],
});

/** Seconds: upstream's least lifetime, so that a certificate is worth its signature. */
const shortestSeconds = 600;

function validateSpec({ request, signerName, expirationSeconds }: CertificateSigningRequestSpec): Cause[] {
  const causes: Cause[] = [], pem = Buffer.from(request, "base64").toString("latin1");
  if (!/^\s*-----BEGIN CERTIFICATE REQUEST-----[^-]+-----END CERTIFICATE REQUEST-----\s*$/.test(pem)) {
    causes.push(invalid("spec.request", request, "PEM block type must be CERTIFICATE REQUEST"));
  }
  const [domain = "", ...path] = signerName.split("/");
  if (path.length !== 1) {
    causes.push(invalid("spec.signerName", signerName, "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
  } else {
    const [first = ""] = domain.split("."),
      problems = first === domain ? ["should be a domain with at least two segments separated by dots"] : [];
    if (domain === "kubernetes.io" && path[0] === "legacy-unknown") {
      problems.push("the legacy signerName is not allowed via this API version");
    }
    causes.push(
      ...[...dns1123Subdomain(domain), ...dns1123Subdomain(path[0]!), ...problems].map((it) => invalid("spec.signerName", signerName, it)),
    );
  }
  if (expirationSeconds !== undefined && expirationSeconds < shortestSeconds) {
    causes.push(
      invalid("spec.expirationSeconds", expirationSeconds, `may not specify a duration less than ${shortestSeconds} seconds (10 minutes)`),
    );
  }
  return causes;
}

function validateDecision({ status: { conditions = [] } = {} }: CertificateSigningRequest): Cause[] {
  const types = new Set<string>();
  return conditions.flatMap(({ type, status }, i) => {
    const at = `status.conditions[${i}]`, causes: Cause[] = [];
    if (types.size === types.add(type).size) causes.push(duplicate(`${at}.type`, type));
    if (["Approved", "Denied", "Failed"].includes(type) && status !== "True") causes.push(unsupported(`${at}.status`, status, ["True"]));
    if ((type === "Approved" && types.has("Denied")) || (type === "Denied" && types.has("Approved"))) {
      causes.push(invalid(`${at}.type`, type, "Approved and Denied conditions are mutually exclusive"));
    }
    return causes;
  });
}

/** What was asked for stands; what was decided stands, too; a certificate is given once. */
function validateChange(request: CertificateSigningRequest, old: CertificateSigningRequest): Cause[] {
  const causes: Cause[] = [], certificate = old.status?.certificate;
  if (!sameJson(request.spec, old.spec)) causes.push(immutable("spec", request.spec));
  if (certificate && request.status?.certificate !== certificate) {
    causes.push(forbidden("status.certificate", "updates may not set or modify existing certificate content"));
  }
  for (const type of ["Approved", "Denied", "Failed"]) {
    if (has(old, type) && !has(request, type)) {
      causes.push(forbidden("status.conditions", `updates may not remove a condition of type ${JSON.stringify(type)}`));
    }
  }
  return causes;
}
