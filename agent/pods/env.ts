// The variables of a container: from its definition, the objects that names, the pod itself and the services beside it. Pure.
import { Buffer } from "node:buffer";
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import type { EnvVarSource } from "../../shared/api/kinds/pod/env.ts";
import { fieldText, resourceText } from "../volumes/downward.ts";
import { type Contents, Missing, type Place, type Sources } from "../volumes/sources.ts";
import type { DesiredPod, DesiredService } from "./desired.ts";

export interface EnvSources {
  readonly sources: Sources;
  readonly services: readonly DesiredService[];
  readonly place: Place;
}

/** Later ones win: services, envFrom, env. @throws Missing, in Kubernetes' words */
export function resolveEnv(pod: DesiredPod, container: Container, from: EnvSources): Record<string, string> {
  const env: Record<string, string> = serviceEnv(from.services, pod.namespace, pod.spec.enableServiceLinks ?? true);
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const contents = configMapRef
      ? configMap(from.sources, pod.namespace, configMapRef.name ?? "", configMapRef.optional)
      : secretRef
      ? secret(from.sources, pod.namespace, secretRef.name ?? "", secretRef.optional)
      : undefined;
    for (const [key, value] of contents ?? []) env[prefix + key] = text(value);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const resolved = valueFrom ? referred(pod, container, valueFrom, from) : expand(value ?? "", env);
    if (resolved !== undefined) env[name] = resolved;
  }
  return env;
}

/** `$(NAME)` is the variable if there is one, else stays; `$$` is a dollar sign. */
export const expand = (value: string, env: Readonly<Record<string, string>>): string =>
  value.replace(
    /\$(?:\$|\(([^()]*)\))/g,
    (found, name: string | undefined) => found === "$$" ? "$" : Object.hasOwn(env, name!) ? env[name!]! : found,
  );

function referred(pod: DesiredPod, container: Container, source: EnvVarSource, { sources, place }: EnvSources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef: inMap, secretKeyRef: inSecret } = source;
  if (fieldRef) return fieldText(pod, place, fieldRef);
  if (resourceFieldRef) return resourceText(pod, place, container, resourceFieldRef);
  const ref = inMap ?? inSecret;
  if (!ref) throw new Missing("a variable's value comes from a source that this node does not know");
  const { name = "", key, optional } = ref;
  const contents = (inMap ? configMap : secret)(sources, pod.namespace, name, optional);
  const value = contents?.get(key);
  if (value !== undefined) return text(value);
  if (optional) return undefined;
  throw new Missing(`couldn't find key ${key} in ${inMap ? "ConfigMap" : "Secret"} ${pod.namespace}/${name}`);
}

function configMap(sources: Sources, namespace: string, name: string, optional: boolean | undefined): Contents | undefined {
  const found = sources.configMap(namespace, name);
  if (found === undefined && !optional) throw new Missing(`configmap "${name}" not found`);
  return found;
}
function secret(sources: Sources, namespace: string, name: string, optional: boolean | undefined): Contents | undefined {
  const found = sources.secret(namespace, name);
  if (found === undefined && !optional) throw new Missing(`secret "${name}" not found`);
  return found;
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Services as Docker's links once spelled them. The API's own service is named to every pod; the others of its namespace only where it asks for links. */
export function serviceEnv(services: readonly DesiredService[], namespace: string, links: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { name, namespace: of, spec } of services) {
    const isApi = of === "default" && name === "kubernetes";
    if (!isApi && !(links && of === namespace)) continue;
    const ip = spec.clusterIP, [first] = spec.ports ?? [];
    if (!ip || ip === "None" || first === undefined) continue;
    const prefix = name.toUpperCase().replaceAll("-", "_");
    env[`${prefix}_SERVICE_HOST`] = ip;
    env[`${prefix}_SERVICE_PORT`] = String(first.port);
    const url = ({ protocol = "TCP", port }: typeof first): string =>
      `${protocol.toLowerCase()}://${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
    env[`${prefix}_PORT`] = url(first);
    for (const port of spec.ports ?? []) {
      const protocol = port.protocol ?? "TCP";
      if (port.name) env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll("-", "_")}`] = String(port.port);
      const one = `${prefix}_PORT_${port.port}_${protocol}`;
      env[one] = url(port);
      env[`${one}_PROTO`] = protocol.toLowerCase();
      env[`${one}_PORT`] = String(port.port);
      env[`${one}_ADDR`] = ip;
    }
  }
  return env;
}
