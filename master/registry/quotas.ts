// What an object takes of its namespace's quotas is written with it: the quotas' new status stands in the object's own transaction, which fails if another
// writer was there in between. So ten get in where there is room for ten, whichever masters they came to, and never eleven. What is given back (deleted
// objects, pods that have ended) the controller counts, and writes under the same comparison.
import { type ResourceQuota, resourceQuotas } from "../../shared/api/kinds/resource_quota.ts";
import { quotaAttempts, quotaWriters } from "../../shared/limits.ts";
import type { Store, TransactionResult } from "../store/store.ts";
import { type Claim, noClaim } from "./claim.ts";
import { decode, encode, keyOf, prefixOf } from "./codec.ts";
import { translated } from "./errors.ts";
import { Lanes } from "./lanes.ts";
import { type Charge, chargeQuotas } from "./policies/quota.ts";
import { isCounted } from "./policies/quota_usage.ts";

export class Quotas {
  readonly #store: Store;
  /** One a namespace: without turns, of twenty writers at once one would win each round. */
  readonly #lanes = new Lanes(quotaWriters);

  constructor(store: Store) {
    this.#store = store;
  }

  /** Runs `commit` with what must go into its transaction, and again while other members charge the same quotas. @throws ApiError Forbidden */
  async charged(charge: Charge, commit: (claim: Claim) => Promise<TransactionResult>): Promise<TransactionResult> {
    if (await this.check(charge) === noClaim) return await commit(noClaim);
    return await this.#lanes.run(charge.object.metadata!.namespace!, async () => {
      for (let attempt = 1;; attempt++) {
        const claim = await this.check(charge, attempt > 1), result = await commit(claim);
        if (result.succeeded || attempt >= quotaAttempts || !await this.#moved(claim)) return result;
      }
    });
  }
  /** @throws ApiError Forbidden */
  async check(charge: Charge, fresh = false): Promise<Claim> {
    const { kind, object: { metadata: { namespace = "" } = {} } } = charge;
    if (!isCounted(kind)) return noClaim;
    const { items } = await translated(this.#store.list(prefixOf(resourceQuotas, namespace), { serializable: !fresh }));
    if (items.length === 0) return noClaim;
    const known = new Map(items.map((item) => [decode(resourceQuotas, item).object, item.modRevision]));
    const { error, quotas } = { quotas: undefined, ...chargeQuotas(charge, [...known.keys()]) };
    if (error) throw error;
    if (!quotas || quotas.size === 0) return noClaim;
    const all = [...quotas].map(([before, after]) => ({
      key: keyOf(resourceQuotas, namespace, nameOf(before)),
      is: known.get(before)!,
      after,
    }));
    return {
      compares: all.map(({ key, is }) => ({ key, target: "modRevision", is })),
      then: all.map(({ key, after }) => ({ do: "put", key, value: encode(resourceQuotas, after)! })),
    };
  }
  /** Was it a quota that was no longer what it had been? */
  async #moved({ compares }: Claim): Promise<boolean> {
    const found = await Promise.all(compares.map(({ key }) => translated(this.#store.get(key))));
    return found.some(({ item }, i) => (item?.modRevision ?? 0) !== compares[i]!.is);
  }
}
const nameOf = ({ metadata }: ResourceQuota): string => metadata!.name!;
