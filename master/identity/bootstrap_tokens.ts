// Bootstrap tokens, as kubeadm and others make them: Secrets in kube-system, whose `id.secret` lets a machine in that has no certificate yet. What it may do then, roles
// say. (Devices of ours join with tokens of another form, whose secret lies nowhere: fleet/tokens.ts.)
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { bootstrapTokenType, type Secret, secrets } from "../../shared/api/kinds/secret.ts";
import type { User } from "../rbac/user.ts";
import type { Cache } from "../registry/cache.ts";

const namespace = "kube-system", form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const group = "system:bootstrappers", furtherGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** What it says, as text. */
export const textOf = ({ data }: Secret, key: string): string => Buffer.from(data?.[key] ?? "", "base64").toString();

/** ms since 1970; Infinity: never. What cannot be read has ended, as upstream. */
export function expiryOf(secret: Secret): number {
  const said = textOf(secret, "expiration"), isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(said);
  return said === "" ? Infinity : isTime ? Date.parse(said) : 0;
}

/** Whom this Secret lets in with this `id.secret`. Pure. @param now ms since 1970 */
export function userOfSecret(secret: Secret, id: string, shown: string, now: number): User | undefined {
  const expected = textOf(secret, "token-secret"),
    further = textOf(secret, "auth-extra-groups").split(",").map((it) => it.trim()).filter(Boolean);
  const isRight = expected.length === shown.length && timingSafeEqual(Buffer.from(expected), Buffer.from(shown));
  const counts = secret.type === bootstrapTokenType && textOf(secret, "token-id") === id &&
    textOf(secret, "usage-bootstrap-authentication") === "true" && now < expiryOf(secret);
  if (!isRight || !counts || !further.every((name) => furtherGroup.test(name))) return undefined;
  return { name: `system:bootstrap:${id}`, groups: [group, ...further] };
}

/** From the cache alone: whoever guesses costs no reads. */
export function createBootstrapTokens(cache: Cache, now: () => number): (token: string) => Promise<User | undefined> {
  return (token) => {
    const [, id, shown] = form.exec(token) ?? [], secret = id && cache.get(secrets, namespace, `bootstrap-token-${id}`);
    return Promise.resolve(secret && !secret.deleting ? userOfSecret(secret.object, id, shown!, now()) : undefined);
  };
}
