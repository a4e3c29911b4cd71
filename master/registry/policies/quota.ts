// May a namespace have one more (upstream's ResourceQuota): what a change adds, compared with what is left. Pure; quotas.ts has it written with the object.
import { quantitiesOf, sum, type Totals } from "../../../shared/api/kinds/pod/totals.ts";
import type { ResourceQuota } from "../../../shared/api/kinds/resource_quota.ts";
import { formatQuantity } from "../../../shared/api/quantity.ts";
import type { Kind, KubernetesObject } from "../../../shared/api/resource.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import { inScope, takes, unsaid, usage } from "./quota_usage.ts";

export interface Charge {
  readonly kind: Kind;
  readonly object: KubernetesObject;
  readonly old: KubernetesObject | undefined;
  /** ms since 1970 */
  readonly now: number;
}
/** The quotas as they are afterwards, of those that it takes anything of; or why it may not. */
export type Verdict = { readonly quotas: ReadonlyMap<ResourceQuota, ResourceQuota>; readonly error?: undefined } | {
  readonly error: ApiError;
};

export function chargeQuotas({ kind, object, old, now }: Charge, quotas: readonly ResourceQuota[]): Verdict {
  const after = new Map<ResourceQuota, ResourceQuota>(),
    refuse = (why: string) => ({ error: forbiddenObject(kind, object.metadata?.name ?? "", why) });
  const concerned = quotas.flatMap((quota) => {
    const resources = Object.keys(quota.status?.hard ?? {}).filter((resource) => takes(kind, resource)).sort();
    return resources.length > 0 && inScope(kind, object, quota) ? [{ quota, resources, name: quota.metadata?.name ?? "" }] : [];
  });
  if (concerned.length === 0) return { quotas: after };
  for (const { quota: { status }, resources, name } of concerned) {
    const silent = unsaid(kind, object, resources);
    if (silent) return refuse(`failed quota: ${name}: ${silent}`);
    if (!resources.every((resource) => Object.hasOwn(status?.used ?? {}, resource))) {
      return refuse(`status unknown for quota: ${name}, resources: ${resources.join()}`);
    }
  }
  const added = difference(usage(kind, object, now), old ? usage(kind, old, now) : {});
  for (const { quota, resources, name } of concerned) {
    const wanted = only(added, resources), used = quantitiesOf(quota.status!.used), hard = quantitiesOf(quota.status!.hard);
    if (Object.keys(wanted).length === 0) continue;
    const next = sum(used, wanted), exceeded = Object.keys(wanted).filter((resource) => next[resource]!.nano > hard[resource]!.nano);
    if (exceeded.length > 0) {
      const said = (totals: Totals) => exceeded.sort().map((resource) => `${resource}=${formatQuantity(totals[resource]!)}`).join();
      return refuse(`exceeded quota: ${name}, requested: ${said(wanted)}, used: ${said(used)}, limited: ${said(hard)}`);
    }
    after.set(quota, { ...quota, status: { ...quota.status, used: written(next) } });
  }
  return { quotas: after };
}

/** What is more than before; what is less, the controller gives back. */
function difference(after: Totals, before: Totals): Totals {
  return Object.fromEntries(
    Object.entries(after).map(([name, { nano, format }]) =>
      [name, { nano: nano - (Object.hasOwn(before, name) ? before[name]!.nano : 0n), format }] as const
    ).filter(([, { nano }]) => nano > 0n),
  );
}
const only = (totals: Totals, names: readonly string[]): Totals =>
  Object.fromEntries(names.filter((name) => Object.hasOwn(totals, name)).map((name) => [name, totals[name]!]));
export const written = (totals: Totals): Record<string, string> =>
  Object.fromEntries(Object.entries(totals).map(([name, amount]) => [name, formatQuantity(amount)]));
