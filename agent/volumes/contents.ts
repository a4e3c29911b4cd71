// Which files a configMap, secret, downwardAPI or projected volume holds. Pure.
import { Buffer } from "node:buffer";
import type { PodSpec } from "../../shared/api/kinds/pod/pod_spec.ts";
import type { DownwardAPIVolumeFile, KeyToPath, ServiceAccountTokenProjection, Volume } from "../../shared/api/kinds/pod/volume.ts";
import { podTokenKey, podTokenNamespace, podTokenUid } from "../../shared/wire/pod_token.ts";
import { fieldText, resourceText } from "./downward.ts";
import type { ProjectedFile, ProjectedFiles } from "./projection.ts";
import { type Contents, Missing, type Place, type PodFacts, type Sources } from "./sources.ts";

/** 0644. */
const usualMode = 0o644;

/** Undefined: the volume is of another sort. @throws Missing for an object or key that is not there and not optional */
export function filesOf(volume: Volume, pod: PodFacts, place: Place, sources: Sources): ProjectedFiles | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return keys(from(sources, "configmap", pod, configMap.name, configMap.optional), configMap, configMap.defaultMode);
  if (secret) return keys(from(sources, "secret", pod, secret.secretName, secret.optional), secret, secret.defaultMode);
  if (downwardAPI) return downward(downwardAPI.items ?? [], pod, place, downwardAPI.defaultMode);
  if (!projected) return undefined;
  const files = new Map<string, ProjectedFile>();
  for (const source of projected.sources ?? []) {
    const mode = projected.defaultMode;
    const part = source.configMap
      ? keys(from(sources, "configmap", pod, source.configMap.name, source.configMap.optional), source.configMap, mode)
      : source.secret
      ? keys(from(sources, "secret", pod, source.secret.name, source.secret.optional), source.secret, mode)
      : source.downwardAPI
      ? downward(source.downwardAPI.items ?? [], pod, place, mode)
      : source.serviceAccountToken
      ? token(source.serviceAccountToken, pod, sources, mode)
      : undefined;
    if (part === undefined) {
      throw new Missing(`volume ${volume.name} has a source (${Object.keys(source).join()}) that nodes cannot provide`);
    }
    for (const [path, file] of part) files.set(path, file);
  }
  return files;
}

/** Its file is the pod's alone where it is said who the pod is: its one user, or its group. */
function token(wish: ServiceAccountTokenProjection, pod: PodFacts, sources: Sources, mode = usualMode): ProjectedFiles {
  const bytes = sources.secret(podTokenNamespace, podTokenUid(pod.uid, wish))?.get(podTokenKey);
  if (bytes === undefined) {
    throw new Missing(`no token of service account ${JSON.stringify(pod.spec.serviceAccountName ?? "default")} has come for this pod`);
  }
  const owner = onlyUser(pod.spec), isPrivate = owner !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
  return new Map([[wish.path, { bytes, mode: isPrivate ? 0o600 : mode, ...(owner !== undefined && { owner }) }]]);
}
/** As whom all containers run, if all say so and say the same. */
function onlyUser({ securityContext, containers, initContainers = [], ephemeralContainers = [] }: PodSpec): number | undefined {
  const users = new Set(
    [...initContainers, ...containers, ...ephemeralContainers].map((one) => one.securityContext?.runAsUser ?? securityContext?.runAsUser),
  );
  return users.size === 1 ? [...users][0] : undefined;
}

/** With what it is known to lack, so that `keys` can say whose key is missing. */
interface Found {
  readonly contents: Contents | undefined;
  readonly what: string;
}
function from(sources: Sources, kind: "configmap" | "secret", pod: PodFacts, name = "", optional = false): Found {
  const contents = kind === "secret" ? sources.secret(pod.namespace, name) : sources.configMap(pod.namespace, name);
  if (contents === undefined && !optional) throw new Missing(`${kind} "${name}" not found`);
  return { contents, what: `${kind} ${pod.namespace}/${name}` };
}

function keys(
  { contents = new Map(), what }: Found,
  { items, optional }: { items?: KeyToPath[]; optional?: boolean },
  mode = usualMode,
): ProjectedFiles {
  if (!items?.length) return new Map([...contents].map(([key, bytes]) => [key, { bytes, mode }]));
  const files = new Map<string, ProjectedFile>();
  for (const { key, path, mode: own } of items) {
    const bytes = contents.get(key);
    if (bytes !== undefined) files.set(path, { bytes, mode: own ?? mode });
    else if (!optional) throw new Missing(`references non-existent key: ${key} of ${what}`);
  }
  return files;
}

function downward(items: readonly DownwardAPIVolumeFile[], pod: PodFacts, place: Place, mode = usualMode): ProjectedFiles {
  return new Map(items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
    const text = fieldRef ? fieldText(pod, place, fieldRef) : resourceFieldRef ? resourceText(pod, place, undefined, resourceFieldRef) : "";
    return [path, { bytes: Buffer.from(text), mode: own ?? mode }];
  }));
}
