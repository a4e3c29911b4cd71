// Bootstrap tokens that have ended are removed, as by upstream's tokencleaner. A join token of ours stays for a while longer: a device that had used it in time, and lost
// the answer, may ask again with the same key.
import { bootstrapTokenType, type Secret, secrets } from "../../shared/api/kinds/secret.ts";
import { joinTokenKeptMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { expiryOf } from "../identity/bootstrap_tokens.ts";
import type { Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";

const namespace = "kube-system";

/** ms since 1970 at which it goes; Infinity: never. Pure. */
export const removedAt = (secret: Secret): number => expiryOf(secret) + (secret.data?.["token-hash"] === undefined ? 0 : joinTokenKeptMs);

export const tokenCleaner = (clock: Clock): Controller => ({
  name: "token-cleaner",
  *keysOf({ kind, after }) {
    if (kind.group === "" && kind.plural === "secrets" && after?.namespace === namespace && after.fields.type === bootstrapTokenType) {
      yield after.name;
    }
  },
  *allKeys(cache) {
    for (const secret of cache.byField(secrets, "type", bootstrapTokenType)) if (secret.namespace === namespace) yield secret.name;
  },
  async reconcile(name, { cache, registry, log }) {
    const found = cache.get(secrets, namespace, name);
    if (!found || found.deleting || found.object.type !== bootstrapTokenType) return;
    const leftMs = removedAt(found.object) - clock.now();
    if (leftMs > 0) return leftMs === Infinity ? undefined : leftMs;
    log.info("Removing a token that has ended", { secret: name });
    await registry.delete(secrets, { namespace, name }, { preconditions: { uid: found.uid } }).catch(unless("NotFound", "Conflict"));
  },
});
