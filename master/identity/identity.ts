// Who is it that shows this token? Each sort of token is known by its form; what is of none, or not what it looks like, is nobody's.
import type { User } from "../rbac/user.ts";
import type { AccountTokens, TokenVerdict } from "./accounts.ts";
import { apiAudience } from "./claims.ts";

export interface Identity {
  readonly accounts: AccountTokens;
  /** For requests. */
  user(token: string): Promise<User | undefined>;
  /** For those who ask about others' tokens. `audiences`: who they are; none: the API server. */
  review(token: string, audiences: readonly string[]): Promise<TokenVerdict>;
  /** ms since 1970, never behind the log. */
  now(): number;
}

/** @param others tokens that are for the API server and nobody else (those that let devices and machines in) */
export function createIdentity(
  accounts: AccountTokens,
  others: readonly ((token: string) => Promise<User | undefined>)[],
  now: () => number,
): Identity {
  const review: Identity["review"] = async (token, asked) => {
    const audiences = asked.length > 0 ? asked : [apiAudience], ofAccount = await accounts.authenticate(token, audiences);
    if (ofAccount) return ofAccount;
    for (const other of others) {
      const user = await other(token);
      if (user && audiences.includes(apiAudience)) return { user, audiences: [apiAudience] };
    }
    return { error: "invalid bearer token" };
  };
  return {
    accounts,
    review,
    now,
    async user(token) {
      const verdict = await review(token, []);
      return verdict.error === undefined ? verdict.user : undefined;
    },
  };
}
