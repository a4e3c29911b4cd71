// Who may approve a certificate's request, and who may sign it: not whoever may write the object, but who may `approve` or `sign` for its signer.
import { type CertificateSigningRequest, certificateSigningRequests } from "../../shared/api/kinds/certificate_signing_request.ts";
import { sameJson } from "../../shared/api/json.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../shared/api/status.ts";
import type { Authorizer } from "./authorizer.ts";
import type { User } from "./user.ts";

/** Undefined: they may, or it is about something else. */
export function unauthorizedDecision(
  authorizer: Authorizer,
  user: User,
  { kind, object, old }: { readonly kind: Kind; readonly object: KubernetesObject; readonly old?: KubernetesObject | undefined },
): ApiError | undefined {
  if (kind.group !== certificateSigningRequests.group || kind.plural !== certificateSigningRequests.plural || !old) return undefined;
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
