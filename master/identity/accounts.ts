// Tokens of ServiceAccounts: issuing them, and saying whose one is. They are no objects: nothing is written when one is issued, and one ends when its account or the
// object that it hangs on is gone, or another of the same name, which is looked up whenever it is shown.
import { Buffer } from "node:buffer";
import { enrollments } from "../../shared/api/kinds/enrollment.ts";
import { nodes } from "../../shared/api/kinds/node.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import { secrets } from "../../shared/api/kinds/secret.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { sameJson } from "../../shared/api/json.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { tokenLeewaySeconds } from "../../shared/limits.ts";
import type { TokenKeys } from "../pki/token_keys.ts";
import type { User } from "../rbac/user.ts";
import type { Cache } from "../registry/cache.ts";
import { absent } from "../registry/errors.ts";
import type { Registry, Stored } from "../registry/face.ts";
import {
  type Account,
  apiAudience,
  claimsOf,
  type Grant,
  legacyClaims,
  type LegacyGrant,
  readGrant,
  readLegacyGrant,
  type Reference,
  userOf,
} from "./claims.ts";

/** Whose token it is and which of the askers it is meant for; or why it is nobody's. */
export type TokenVerdict =
  | { readonly user: User; readonly audiences: readonly string[]; readonly error?: undefined }
  | { readonly error: string };

export class AccountTokens {
  readonly #keys: TokenKeys;
  readonly #cache: Cache;
  readonly #registry: Pick<Registry, "get">;
  readonly #now: () => number;

  constructor(keys: TokenKeys, { cache, registry, now }: { cache: Cache; registry: Pick<Registry, "get">; now: () => number }) {
    this.#keys = keys;
    this.#cache = cache;
    this.#registry = registry;
    this.#now = now;
  }
  /** Of the key that signs. */
  get keyId(): string {
    return this.#keys.jwks.keys[0]!.kid;
  }
  get jwks(): TokenKeys["jwks"] {
    return this.#keys.jwks;
  }

  issue(grant: Grant): string {
    return this.#keys.sign(claimsOf(grant));
  }
  /** For a Secret. `held` stays, if it is this token already and is still accepted. */
  legacyToken(grant: LegacyGrant, held: string): string {
    const said = this.#keys.verify(held), wanted = legacyClaims(grant);
    return said && sameJson(said, wanted) ? held : this.#keys.sign(wanted);
  }

  /** Undefined: it is no token of an account, whoever else's it may be. */
  async authenticate(token: string, asked: readonly string[] = [apiAudience]): Promise<TokenVerdict | undefined> {
    const claims = this.#keys.verify(token);
    if (!claims) return undefined;
    const grant = readGrant(claims), legacy = readLegacyGrant(claims);
    if (legacy) return await this.#byLegacy(legacy, token, asked);
    if (!grant) return { error: "the token's claims are of no known form" };
    const audiences = asked.filter((one) => grant.audiences.includes(one)), now = this.#now() / 1000;
    if (now > grant.expiresAt + tokenLeewaySeconds) return { error: "service account token has expired" };
    if (now < grant.issuedAt - tokenLeewaySeconds) return { error: "service account token is not valid yet" };
    if (audiences.length === 0) {
      return { error: `token audiences ${texts(grant.audiences)} is invalid for the target audiences ${texts(asked)}` };
    }
    const { account, bound } = grant, { pod, node, secret } = bound;
    const gone = await this.#withoutAccount(account) ??
      (pod && await this.#unbound(pods, account.namespace, pod)) ??
      (secret && await this.#unbound(secrets, account.namespace, secret)) ??
      (node && !pod ? await this.#unbound(nodes, "", node) : undefined) ??
      (node && this.#isShutOut(node.name) ? "service account token has been invalidated" : undefined);
    return gone ? { error: gone } : { user: userOf(account, grant.id, bound), audiences };
  }

  async #byLegacy({ account, secretName }: LegacyGrant, token: string, asked: readonly string[]): Promise<TokenVerdict> {
    const audiences = asked.filter((one) => one === apiAudience);
    if (audiences.length === 0) {
      return { error: `token audiences ${texts([apiAudience])} is invalid for the target audiences ${texts(asked)}` };
    }
    const gone = await this.#withoutAccount(account);
    if (gone) return { error: gone };
    const secret = await this.find(secrets, account.namespace, { name: secretName });
    const isHeld = secret?.object.data?.token === Buffer.from(token).toString("base64") && !this.#isOver(secret);
    return isHeld ? { user: userOf(account, "", {}), audiences } : { error: "service account token has been invalidated" };
  }

  async #withoutAccount({ namespace, name, uid }: Account): Promise<string | undefined> {
    const found = await this.find(serviceAccounts, namespace, { name, uid });
    if (!found) return `serviceaccounts ${JSON.stringify(name)} not found`;
    if (this.#isOver(found)) return "service account has been deleted";
    return found.uid === uid ? undefined : `service account UID (${found.uid}) does not match claim (${uid})`;
  }
  async #unbound<T>(kind: Kind<T>, namespace: string, reference: Reference): Promise<string | undefined> {
    const found = await this.find(kind, namespace, reference);
    return found && found.uid === reference.uid && !this.#isOver(found) ? undefined : "service account token has been invalidated";
  }
  /** A device that was lost has the tokens of its pods, which may stay bound to it for long. */
  #isShutOut(nodeName: string): boolean {
    const found = [...this.#cache.byField(enrollments, "spec.nodeName", nodeName)];
    return found.length > 0 && found.every(({ object }) => object.spec.revoked);
  }
  /** What is terminating gets its grace period, and as much again as clocks may differ. */
  #isOver({ deleting, object }: Pick<Stored<unknown>, "deleting" | "object">): boolean {
    const at = (object as KubernetesObject).metadata?.deletionTimestamp;
    return deleting && at !== undefined && this.#now() > Date.parse(at) + tokenLeewaySeconds * 1000;
  }

  /** The cache answers for what it knows; what it does not know may be newer than it. */
  async find<T>(
    kind: Kind<T>,
    namespace: string,
    { name, uid }: { name: string; uid?: string | undefined },
  ): Promise<Stored<T> | undefined> {
    const known = this.#cache.get(kind, namespace, name);
    if (known && (uid === undefined || known.uid === uid)) return known;
    return await this.#registry.get(kind, { namespace, name }).catch(absent);
  }
}

const texts = (audiences: readonly string[]): string => `[${audiences.map((one) => JSON.stringify(one)).join(" ")}]`;
