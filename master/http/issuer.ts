// What others need to check ServiceAccount tokens by themselves (OpenID Connect Discovery 1.0 §3 and §4, as far as Kubernetes serves it).
import type { Hono } from "hono";
import type { AccountTokens } from "../identity/accounts.ts";
import { issuer } from "../identity/claims.ts";
import { algorithm } from "../pki/token_keys.ts";
import type { Env } from "./context.ts";

export const issuerPaths = { configuration: "/.well-known/openid-configuration", keys: "/openid/v1/jwks" } as const;
/** Seconds for which the answers may be kept: a key is accepted for long before and after it signs. */
const caching = { "cache-control": "public, max-age=3600" };

export function issuerRoutes(app: Hono<Env>, accounts: Pick<AccountTokens, "jwks">): void {
  app.get(issuerPaths.configuration, (c) => {
    const answer = {
      issuer,
      jwks_uri: new URL(issuerPaths.keys, c.req.url).href,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [algorithm],
    };
    return c.json(answer, 200, caching);
  });
  app.get(issuerPaths.keys, (c) => c.body(JSON.stringify(accounts.jwks), 200, { ...caching, "content-type": "application/jwk-set+json" }));
}
