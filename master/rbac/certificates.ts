// Who may approve a certificate's request, and who may sign it: not whoever may write the object, but who may `approve` or `sign` for its signer.
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
  clientSigner,
} from "../../shared/api/kinds/certificate_signing_request.ts";
import { Buffer } from "node:buffer";
import { sameJson } from "../../shared/api/json.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../shared/api/status.ts";
import type { Authorizer } from "./authorizer.ts";
import { requestOrganizations } from "../pki/authority.ts";
import { admins, type User } from "./user.ts";

/** Nobody may even ask to be an administrator (upstream's CertificateSubjectRestriction). Undefined: they may, or it is about something else. */
export function forbiddenSubject(
  { kind, object, old }: { readonly kind: Kind; readonly object: KubernetesObject; readonly old?: KubernetesObject | undefined },
) {
  if (!isRequest(kind) || old) return undefined;
  const { spec: { request, signerName }, metadata } = object as CertificateSigningRequest;
  if (signerName !== clientSigner || !requestOrganizations(Buffer.from(request, "base64").toString()).includes(admins)) return undefined;
  return forbiddenObject(kind, metadata?.name ?? "", `use of ${clientSigner} signer with ${admins} group is not allowed`);
}

/** Undefined: they may, or it is about something else. */
export function unauthorizedDecision(
  authorizer: Authorizer,
  user: User,
  { kind, object, old }: { readonly kind: Kind; readonly object: KubernetesObject; readonly old?: KubernetesObject | undefined },
): ApiError | undefined {
  if (!isRequest(kind) || !old) return undefined;
  const now = object as CertificateSigningRequest, before = old as CertificateSigningRequest, { signerName } = before.spec;
  const may = (verb: string) =>
    [signerName, `${signerName.slice(0, signerName.indexOf("/"))}/*`].some((name) =>
      authorizer.authorize(user, { verb, group: kind.group, resource: "signers", name }).allowed
    );
  const conditions = ({ status }: CertificateSigningRequest, ...types: string[]) =>
    (status?.conditions ?? []).filter(({ type }) => types.includes(type));
  const differs = (...types: string[]) => !sameJson(conditions(now, ...types), conditions(before, ...types));
  const refuse = (verb: string) =>
    forbiddenObject(kind, now.metadata?.name ?? "", `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`);
  if (differs("Approved", "Denied") && !may("approve")) return refuse("approve");
  return (now.status?.certificate !== before.status?.certificate || differs("Failed")) && !may("sign") ? refuse("sign") : undefined;
}

const isRequest = (kind: Kind): boolean =>
  kind.group === certificateSigningRequests.group && kind.plural === certificateSigningRequests.plural;
