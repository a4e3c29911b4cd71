// The tokens of a node's pods travel, and lie on its flash, as Secrets do: sealed to the node's key. Each is a member of the node's set, in a namespace
// that no object of the API can have: nothing else can be taken for one, and no pod can name one, since it names Secrets of its own namespace only.
import { createHash } from "node:crypto";
import type { TokenWish } from "../api/kinds/pod/references.ts";

export const podTokenNamespace = ":tokens";
/** The one key of its data. */
export const podTokenKey = "token";

/** Its uid in the set, and its name; wishes that mean the same share it. */
export function podTokenUid(podUid: string, { audience = "", expirationSeconds = 3600 }: TokenWish): string {
  return `${podUid}:${createHash("sha256").update(`${expirationSeconds} ${audience}`).digest("hex").slice(0, 16)}`;
}
