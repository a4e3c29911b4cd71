// What a ServiceAccount's token says, in the words of Kubernetes' issuer (kubernetes.io claims, KEP-1205, KEP-4193), and whom that makes. Pure.
import type { Claims } from "../pki/token_keys.ts";
import { serviceAccountGroups, serviceAccountName, serviceAccountOf, type User } from "../rbac/user.ts";

/** Who issues, and who accepts where nobody is named: the API server, by the name that pods know it by. */
export const issuer = "https://kubernetes.default.svc.cluster.local";
export const apiAudience = issuer;

export interface Reference {
  readonly name: string;
  readonly uid: string;
}
/** What a token hangs on: it ends with it. `node` beside `pod` only says where that ran. */
export interface Bound {
  readonly pod?: Reference | undefined;
  readonly node?: Reference | undefined;
  readonly secret?: Reference | undefined;
}
export interface Account extends Reference {
  readonly namespace: string;
}
export interface Grant {
  readonly account: Account;
  readonly audiences: readonly string[];
  readonly bound: Bound;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** From when on whoever shows it should have shown a newer one. */
  readonly warnAfter?: number | undefined;
  readonly id: string;
}

export function claimsOf({ account, audiences, bound: { node, pod, secret }, issuedAt, expiresAt, warnAfter, id }: Grant): Claims {
  const { namespace, name, uid } = account;
  return {
    aud: audiences,
    exp: expiresAt,
    iat: issuedAt,
    iss: issuer,
    jti: id,
    "kubernetes.io": {
      namespace,
      ...(node && { node }),
      ...(pod && { pod }),
      ...(secret && { secret }),
      serviceaccount: { name, uid },
      ...(warnAfter !== undefined && { warnafter: warnAfter }),
    },
    nbf: issuedAt,
    sub: serviceAccountName(namespace, name),
  };
}

/** The reverse, of claims that were signed by us. Undefined: they are of another sort. */
export function readGrant(claims: Claims): Grant | undefined {
  const { aud, exp, iat, nbf, iss, jti, sub } = claims,
    own = claims["kubernetes.io"] as
      | {
        namespace?: string;
        serviceaccount?: Reference;
        warnafter?: number;
      } & Bound
      | undefined;
  const named = serviceAccountOf(String(sub)), audiences = typeof aud === "string" ? [aud] : aud as readonly string[] | undefined;
  if (iss !== issuer || !named || !own?.serviceaccount || own.namespace !== named.namespace || own.serviceaccount.name !== named.name) {
    return undefined;
  }
  return {
    account: { ...named, uid: own.serviceaccount.uid },
    audiences: audiences ?? [],
    bound: { pod: own.pod, node: own.node, secret: own.secret },
    issuedAt: Number(nbf ?? iat),
    expiresAt: Number(exp),
    warnAfter: own.warnafter,
    id: String(jti ?? ""),
  };
}

/** A Secret of type kubernetes.io/service-account-token holds one of these: it ends with the Secret, and never by itself. */
const legacyIssuer = "kubernetes/serviceaccount", legacy = (name: string) => `${legacyIssuer}/${name}`;
export interface LegacyGrant {
  readonly account: Account;
  readonly secretName: string;
}
export const legacyClaims = ({ account: { namespace, name, uid }, secretName }: LegacyGrant): Claims => ({
  iss: legacyIssuer,
  [legacy("namespace")]: namespace,
  [legacy("secret.name")]: secretName,
  [legacy("service-account.name")]: name,
  [legacy("service-account.uid")]: uid,
  sub: serviceAccountName(namespace, name),
});
export function readLegacyGrant(claims: Claims): LegacyGrant | undefined {
  const text = (name: string) => String(claims[legacy(name)] ?? ""), namespace = text("namespace"), name = text("service-account.name");
  if (claims.iss !== legacyIssuer || claims.sub !== serviceAccountName(namespace, name)) return undefined;
  return { account: { namespace, name, uid: text("service-account.uid") }, secretName: text("secret.name") };
}

const extraPrefix = "authentication.kubernetes.io/";
/** Whom the token speaks for. `id`: of the token, "" if it has none. */
export function userOf({ namespace, name, uid }: Account, id: string, { pod, node }: Bound): User {
  const extra: Record<string, readonly string[]> = {
    ...(id && { [`${extraPrefix}credential-id`]: [`JTI=${id}`] }),
    ...(node && { [`${extraPrefix}node-name`]: [node.name], [`${extraPrefix}node-uid`]: [node.uid] }),
    ...(pod && { [`${extraPrefix}pod-name`]: [pod.name], [`${extraPrefix}pod-uid`]: [pod.uid] }),
  };
  return {
    name: serviceAccountName(namespace, name),
    uid,
    groups: serviceAccountGroups(namespace),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}
