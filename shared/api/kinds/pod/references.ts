// What a pod's definition names: other objects that its node needs for it, and tokens of its ServiceAccount. Pure.
import type { PodSpec } from "./pod_spec.ts";
import type { ServiceAccountTokenProjection } from "./volume.ts";

export type TokenWish = Pick<ServiceAccountTokenProjection, "audience" | "expirationSeconds">;
/** What the volumes of a pod ask for. */
export const tokenWishes = ({ volumes }: Pick<PodSpec, "volumes">): TokenWish[] =>
  (volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []).flatMap(({ serviceAccountToken }) => serviceAccountToken ?? []);

interface References {
  readonly configMaps: Set<string>;
  readonly secrets: Set<string>;
  /** Whose token it wants. */
  readonly serviceAccounts: Set<string>;
}
/** Names of what a pod's spec refers to, whichever way. */
export function references(spec: PodSpec): References {
  const found: References = { configMaps: new Set(), secrets: new Set(), serviceAccounts: new Set() };
  const configMap = (name: string | undefined): unknown => name && found.configMaps.add(name);
  const secret = (name: string | undefined): unknown => name && found.secrets.add(name);
  for (const { name } of spec.imagePullSecrets ?? []) secret(name);
  for (const container of [...spec.containers, ...spec.initContainers ?? [], ...spec.ephemeralContainers ?? []]) {
    for (const source of container.envFrom ?? []) {
      configMap(source.configMapRef?.name);
      secret(source.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      configMap(valueFrom?.configMapKeyRef?.name);
      secret(valueFrom?.secretKeyRef?.name);
    }
  }
  if (tokenWishes(spec).length > 0) found.serviceAccounts.add(spec.serviceAccountName ?? "default");
  for (const volume of spec.volumes ?? []) {
    configMap(volume.configMap?.name);
    secret(volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      configMap(source.configMap?.name);
      secret(source.secret?.name);
    }
  }
  return found;
}
