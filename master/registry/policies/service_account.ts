// Every pod runs as somebody, who exists (upstream's ServiceAccount).
import type { ServiceAccount } from "../../../shared/api/kinds/service_account.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import type { Change } from "../change.ts";
import { newPod } from "./new_pod.ts";

export async function podServiceAccount(change: Change): Promise<ApiError | undefined> {
  const spec = newPod(change)?.spec, { kind, object: { metadata: { name = "", namespace = "" } }, context: { world } } = change;
  if (!spec) return undefined;
  spec.serviceAccountName ||= spec.serviceAccount || "default";
  spec.serviceAccount = spec.serviceAccountName; // the old name of the same field
  const account = await world.serviceAccount(namespace, spec.serviceAccountName);
  if (!account) {
    const account = spec.serviceAccountName, who = `${namespace}/${account}`;
    return forbiddenObject(kind, name, `error looking up service account ${who}: serviceaccount "${account}" not found`);
  }
  takeFrom(account, spec);
  return undefined;
}

/** What a pod has from its account where it says nothing itself. */
export function takeFrom({ imagePullSecrets = [] }: ServiceAccount, spec: PodSpec): void {
  if ((spec.imagePullSecrets ?? []).length === 0 && imagePullSecrets.length > 0) {
    spec.imagePullSecrets = imagePullSecrets.map(({ name }) => ({ name: name ?? "" }));
  }
}
