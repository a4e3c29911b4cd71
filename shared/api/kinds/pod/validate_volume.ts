// Rules of volumes.
import type { Cause } from "../../decode.ts";
import { dns1123Label } from "../../names.ts";
import { parseQuantity } from "../../quantity.ts";
import { duplicate, forbidden, invalid, missing } from "../../resource.ts";
import { descendingFile, each, noBacksteps, obeysSyntax, unique } from "./check.ts";
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from "./volume.ts";
import { validateFieldRef, validateResourceFieldRef, volumeFields } from "./validate_env.ts";

export const validateVolumes = (volumes: readonly Volume[] | undefined, at: string): Cause[] => [
  ...each(volumes, at, (volume, here) => [...obeysSyntax(`${here}.name`, volume.name, dns1123Label), ...validateSource(volume, here)]),
  ...unique(volumes, at, ({ name }) => name, (here, name) => duplicate(`${here}.name`, name)),
];

type Sources = Omit<Volume, "name">;
/** Sources with rules of their own. The others are kept as they are. */
const rules: { readonly [S in keyof Sources]: (source: NonNullable<Sources[S]>, at: string) => Cause[] } = {
  emptyDir: ({ sizeLimit }, at) =>
    sizeLimit !== undefined && parseQuantity(sizeLimit).nano < 0n
      ? [forbidden(`${at}.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
      : [],
  hostPath: ({ path }, at) => obeysSyntax(`${at}.path`, path, noBacksteps),
  nfs: ({ path }, at) => path.startsWith("/") ? [] : [invalid(`${at}.path`, path, "must be an absolute path")],
  image: ({ reference }, at) => reference ? [] : [missing(`${at}.reference`)],
  secret: ({ secretName, items, defaultMode }, at) => [
    ...secretName ? [] : [missing(`${at}.secretName`)],
    ...validateFiles(items, defaultMode, at),
  ],
  configMap: ({ name, items, defaultMode }, at) => [...name ? [] : [missing(`${at}.name`)], ...validateFiles(items, defaultMode, at)],
  downwardAPI: ({ items, defaultMode }, at) => [...validateMode(defaultMode, `${at}.defaultMode`), ...validateDownward(items, at)],
  projected: ({ sources, defaultMode }, at) => [
    ...validateMode(defaultMode, `${at}.defaultMode`),
    ...each(sources, `${at}.sources`, validateProjection),
  ],
  ephemeral: ({ volumeClaimTemplate }, at) => volumeClaimTemplate ? [] : [missing(`${at}.volumeClaimTemplate`)],
};

function validateSource({ name: _, ...sources }: Volume, at: string): Cause[] {
  const given = Object.keys(sources) as (keyof Sources)[];
  if (given.length === 0) return [missing(at, "must specify a volume type")];
  return given.flatMap((type, i) => {
    if (i > 0) return [forbidden(`${at}.${type}`, "may not specify more than 1 volume type")];
    const rule = rules[type] as ((source: unknown, at: string) => Cause[]) | undefined;
    return rule?.(sources[type], `${at}.${type}`) ?? [];
  });
}

function validateProjection(projection: VolumeProjection, at: string): Cause[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle } = projection;
  const causes: Cause[] = [];
  for (const [type, source] of Object.entries({ secret, configMap })) {
    if (!source) continue;
    if (!source.name) causes.push(missing(`${at}.${type}.name`));
    causes.push(...each(source.items, `${at}.${type}.items`, validateFile));
  }
  if (downwardAPI) causes.push(...validateDownward(downwardAPI.items, `${at}.downwardAPI`));
  if (serviceAccountToken) {
    const { expirationSeconds = 3600, path } = serviceAccountToken, field = `${at}.serviceAccountToken.expirationSeconds`;
    if (expirationSeconds < 600) causes.push(invalid(field, expirationSeconds, "may not specify a duration less than 10 minutes"));
    if (expirationSeconds > 2 ** 32) causes.push(invalid(field, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
    causes.push(...obeysSyntax(`${at}.serviceAccountToken.path`, path, descendingFile));
  }
  if (clusterTrustBundle) causes.push(...obeysSyntax(`${at}.clusterTrustBundle.path`, clusterTrustBundle.path, descendingFile));
  const types = Object.keys(projection);
  if (types.length === 0) causes.push(missing(at, "must specify a volume type"));
  return [...causes, ...types.slice(1).map((type) => forbidden(`${at}.${type}`, "may not specify more than 1 volume type"))];
}

const validateFiles = (items: readonly KeyToPath[] | undefined, defaultMode: number | undefined, at: string): Cause[] => [
  ...validateMode(defaultMode, `${at}.defaultMode`),
  ...each(items, `${at}.items`, validateFile),
];
const validateFile = ({ path, mode }: KeyToPath, at: string): Cause[] => [
  ...obeysSyntax(`${at}.path`, path, descendingFile),
  ...validateMode(mode, `${at}.mode`),
];
const validateDownward = (items: readonly DownwardAPIVolumeFile[] | undefined, at: string): Cause[] =>
  each(items, at, ({ path, fieldRef, resourceFieldRef, mode }) => {
    const causes = [...obeysSyntax(`${at}.path`, path, descendingFile), ...validateMode(mode, `${at}.mode`)];
    if (fieldRef && resourceFieldRef) {
      causes.push(invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
    } else if (fieldRef) causes.push(...validateFieldRef(fieldRef, `${at}.fieldRef`, volumeFields));
    else if (resourceFieldRef) causes.push(...validateResourceFieldRef(resourceFieldRef, `${at}.resourceFieldRef`, true));
    else causes.push(missing(at, "one of fieldRef and resourceFieldRef is required"));
    return causes;
  });
const validateMode = (mode: number | undefined, at: string): Cause[] =>
  mode === undefined || (mode >= 0 && mode <= 0o777)
    ? []
    : [invalid(at, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
