// Every pod runs as somebody, who exists, and finds that account's token, the cluster's CA and its own namespace where every client of the API looks for them (upstream's
// ServiceAccount).
import type { Container } from "../../../shared/api/kinds/pod/container.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import type { Volume } from "../../../shared/api/kinds/pod/volume.ts";
import type { ServiceAccount } from "../../../shared/api/kinds/service_account.ts";
import { usualTokenSeconds } from "../../../shared/api/kinds/token_request.ts";
import { type ApiError, forbiddenObject } from "../../../shared/api/status.ts";
import type { Change } from "../change.ts";
import { generateName } from "../identity.ts";
import { newPod } from "./new_pod.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount", volumePrefix = "kube-api-access-";

export async function podServiceAccount(change: Change): Promise<ApiError | undefined> {
  const spec = newPod(change)?.spec, { kind, object: { metadata: { name = "", namespace = "", uid = "" } }, context: { world } } = change;
  if (!spec) return undefined;
  spec.serviceAccountName ||= spec.serviceAccount || "default";
  spec.serviceAccount = spec.serviceAccountName; // the old name of the same field
  const account = await world.serviceAccount(namespace, spec.serviceAccountName);
  if (!account) {
    const account = spec.serviceAccountName, who = `${namespace}/${account}`;
    return forbiddenObject(kind, name, `error looking up service account ${who}: serviceaccount "${account}" not found`);
  }
  takeFrom(account, spec);
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, uid);
  return undefined;
}

/** What a pod has from its account where it says nothing itself. */
export function takeFrom({ imagePullSecrets = [] }: ServiceAccount, spec: PodSpec): void {
  if ((spec.imagePullSecrets ?? []).length === 0 && imagePullSecrets.length > 0) {
    spec.imagePullSecrets = imagePullSecrets.map(({ name }) => ({ name: name ?? "" }));
  }
}

/** Containers that have something else there keep it. */
function mountToken(spec: PodSpec, podUid: string): void {
  const containers: Container[] = [...spec.initContainers ?? [], ...spec.containers ?? []];
  const without = containers.filter(({ volumeMounts }) => !volumeMounts?.some((mount) => mount.mountPath === mountPath));
  if (without.length === 0) return;
  const had = spec.volumes?.find(({ name }) => name?.startsWith(volumePrefix)), name = had?.name ?? volumeName(podUid);
  for (const container of without) container.volumeMounts = [...container.volumeMounts ?? [], { name, readOnly: true, mountPath }];
  if (!had) spec.volumes = [...spec.volumes ?? [], apiAccess(name)];
}
/** Looks as random as upstream's; the pod's uid is that. */
function volumeName(podUid: string): string {
  const digits = podUid.replaceAll("-", "");
  let at = 0;
  return generateName(volumePrefix, () => (Number.parseInt(digits.slice(at, at += 4), 16) || 0) / 0x10000);
}
const apiAccess = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: usualTokenSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
    ],
  },
});
