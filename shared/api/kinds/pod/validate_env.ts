// Rules of environment variables and of what they are taken from.
import type { Cause } from "../../decode.ts";
import { configKey, dns1123Subdomain, environmentName, qualifiedName } from "../../names.ts";
import { canonicalQuantity } from "../../quantity.ts";
import { invalid, missing, unsupported } from "../../resource.ts";
import { each, ifGiven, obeysSyntax } from "./check.ts";
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from "./env.ts";

const podFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** In a volume only what does not change while the pod lives, and labels and annotations, which do. */
export const volumeFields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const resourceFields = ["limits", "requests"].flatMap((of) => ["cpu", "ephemeral-storage", "memory"].map((name) => `${of}.${name}`));

export const validateEnv = (env: readonly EnvVar[] | undefined, at: string): Cause[] =>
  each(env, at, ({ name, value, valueFrom }, here) => {
    const causes = obeysSyntax(`${here}.name`, name, environmentName), from = `${here}.valueFrom`;
    if (!valueFrom) return causes;
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
    if (fieldRef) causes.push(...validateFieldRef(fieldRef, `${from}.fieldRef`, podFields));
    if (resourceFieldRef) causes.push(...validateResourceFieldRef(resourceFieldRef, `${from}.resourceFieldRef`));
    for (const [kind, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
      if (!ref) continue;
      causes.push(...obeysSyntax(`${from}.${kind}.name`, ref.name ?? "", dns1123Subdomain));
      causes.push(...obeysSyntax(`${from}.${kind}.key`, ref.key, configKey));
    }
    const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined).length;
    if (sources === 0) {
      causes.push(
        invalid(from, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"),
      );
    } else if (value) causes.push(invalid(from, "", "may not be specified when `value` is not empty"));
    else if (sources > 1) causes.push(invalid(from, "", "may not have more than one field specified at a time"));
    return causes;
  });

export const validateEnvFrom = (sources: readonly EnvFromSource[] | undefined, at: string): Cause[] =>
  each(sources, at, ({ prefix, configMapRef, secretRef }, here) => {
    const causes = ifGiven(`${here}.prefix`, prefix, environmentName);
    for (const [kind, ref] of Object.entries({ configMapRef, secretRef })) {
      if (ref) {
        causes.push(...ref.name ? obeysSyntax(`${here}.${kind}.name`, ref.name, dns1123Subdomain) : [missing(`${here}.${kind}.name`)]);
      }
    }
    if (!configMapRef && !secretRef) causes.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (configMapRef && secretRef) causes.push(invalid(at, "", "may not have more than one field specified at a time"));
    return causes;
  });

export function validateFieldRef({ fieldPath }: ObjectFieldSelector, at: string, allowed: readonly string[]): Cause[] {
  const [, path, key] = /^(.*)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (path === "metadata.annotations") return obeysSyntax(at, key!.toLowerCase(), qualifiedName);
  if (path === "metadata.labels") return obeysSyntax(at, key!, qualifiedName);
  if (path !== undefined) return [invalid(at, path, "does not support subscript")];
  return allowed.includes(fieldPath) ? [] : [unsupported(`${at}.fieldPath`, fieldPath, allowed)];
}

const sizes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
export function validateResourceFieldRef(
  { resource, divisor = "0", containerName }: ResourceFieldSelector,
  at: string,
  inVolume = false,
): Cause[] {
  if (inVolume && !containerName) return [missing(`${at}.containerName`)];
  const isKnown = resourceFields.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource);
  if (!isKnown) return [unsupported(`${at}.resource`, resource, resourceFields)];
  const unit = canonicalQuantity(divisor), name = resource.slice(resource.indexOf(".") + 1);
  const allowed = name === "cpu" ? ["1m", "1"] : sizes;
  if (unit === "0" || allowed.includes(unit)) return [];
  const called = name === "ephemeral-storage" ? "local ephemeral storage" : name.startsWith("hugepages-") ? "hugepages" : name;
  const list = name === "cpu" ? "1m and 1" : sizes.join(", ");
  return [invalid(`${at}.divisor`, resource, `only divisor's values ${list} are supported with the ${called} resource`)];
}
