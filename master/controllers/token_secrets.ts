// Secrets of type kubernetes.io/service-account-token: who makes one gets a token of the named account into it, which never ends by itself. It goes with the account.
import { Buffer } from "node:buffer";
import { accountAnnotations, type Secret, secrets, tokenSecretType } from "../../shared/api/kinds/secret.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { absent } from "../registry/errors.ts";
import { type Controller, keyOf, splitKey } from "./controller.ts";
import { unless } from "./expected_errors.ts";

export interface SecretTokens {
  /** `held`, if it is such a token and still accepted; else a new one. */
  legacyToken(
    grant: { readonly account: { readonly namespace: string; readonly name: string; readonly uid: string }; readonly secretName: string },
    held: string,
  ): string;
}

/** What the Secret lacks; undefined: nothing. */
export function completed(secret: Secret, data: Readonly<Record<string, string>>, uid: string): Secret | undefined {
  const { metadata = {} } = secret;
  const isWhole = metadata.annotations?.[accountAnnotations.uid] === uid &&
    Object.entries(data).every(([key, value]) => secret.data?.[key] === value);
  if (isWhole) return undefined;
  return {
    ...secret,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [accountAnnotations.uid]: uid } },
    data: { ...secret.data, ...data },
  };
}

/** @param caCertificate PEM */
export const tokenSecretsController = (tokens: SecretTokens, caCertificate: string): Controller => ({
  name: "token-secrets",
  *keysOf({ kind, before, after }, cache) {
    if (kind.group !== "") return;
    if (kind.plural === "secrets" && after?.fields.type === tokenSecretType) yield keyOf(after);
    if (kind.plural !== "serviceaccounts" || (after && !after.deleting && before)) return;
    const { namespace } = (after ?? before)!;
    for (const secret of cache.byField(secrets, "type", tokenSecretType)) if (secret.namespace === namespace) yield keyOf(secret);
  },
  *allKeys(cache) {
    for (const secret of cache.byField(secrets, "type", tokenSecretType)) yield keyOf(secret);
  },
  async reconcile(key, { cache, registry, log }) {
    const place = splitKey(key), { namespace } = place, found = cache.get(secrets, namespace, place.name);
    if (!found || found.deleting || found.object.type !== tokenSecretType) return;
    const annotations = found.object.metadata?.annotations ?? {}, name = annotations[accountAnnotations.name] ?? "";
    // Not from the cache: what it does not show yet must not cost anybody a Secret.
    const account = await registry.get(serviceAccounts, { namespace, name }).catch(absent), named = annotations[accountAnnotations.uid];
    if (!account || account.deleting || (named !== undefined && named !== account.uid)) {
      log.info("Removing the token of a ServiceAccount that is gone", { secret: key, serviceAccount: name });
      await registry.delete(secrets, place, { preconditions: { uid: found.uid } }).catch(unless("NotFound", "Conflict"));
      return;
    }
    const grant = { account: { namespace, name, uid: account.uid }, secretName: place.name };
    const held = Buffer.from(found.object.data?.token ?? "", "base64").toString();
    const data = { "ca.crt": caCertificate, namespace, token: tokens.legacyToken(grant, held) };
    const coded = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
    if (!completed(found.object, coded, account.uid)) return;
    await registry.modify(
      secrets,
      place,
      (secret) => secret.metadata?.uid === found.uid ? completed(secret, coded, account.uid) : undefined,
    )
      .catch(unless("NotFound"));
  },
});
