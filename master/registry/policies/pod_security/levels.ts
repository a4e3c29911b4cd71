// What a namespace asks of its pods, by its labels, and what a pod does to it.
import type { Cause } from "../../../../shared/api/decode.ts";
import type { ObjectMeta } from "../../../../shared/api/meta.ts";
import type { PodSpec } from "../../../../shared/api/kinds/pod/pod_spec.ts";
import { invalid } from "../../../../shared/api/resource.ts";
import { baseline, type Check, restricted } from "./checks.ts";
import type { Violation } from "./words.ts";

const prefix = "pod-security.kubernetes.io/";
export type Mode = "enforce" | "audit" | "warn";
const modes: readonly Mode[] = ["enforce", "audit", "warn"];
const levels = ["privileged", "baseline", "restricted"] as const;
export interface Level {
  readonly level: typeof levels[number];
  /** "latest", or a minor version. */
  readonly version: "latest" | number;
}
type Labels = Readonly<Record<string, string>>;

/** What cannot be read asks for the most. */
export function levelOf(labels: Labels, mode: Mode): Level {
  const level = labels[prefix + mode] ?? "privileged", version = versionOf(labels[`${prefix}${mode}-version`]);
  return { level: levels.find((known) => known === level) ?? "restricted", version: version ?? "latest" };
}
const versionOf = (text = "latest"): Level["version"] | undefined => {
  if (text === "latest") return text;
  const minor = /^v1\.(0|[1-9]\d{0,8})$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
};
export const isStricter = (a: Level, b: Level): boolean => levels.indexOf(a.level) > levels.indexOf(b.level) || a.version !== b.version;
export const levelText = ({ level, version }: Level): string => `${level}:${version === "latest" ? version : `v1.${version}`}`;

/** What is wrong with the labels of a namespace, as far as it is new. */
export function checkLabels(labels: Labels = {}, old: Labels | undefined): Cause[] {
  const causes: Cause[] = [];
  const look = (name: string, isGood: (value: string) => boolean, words: string) => {
    const value = labels[prefix + name];
    if (value === undefined || isGood(value) || value === old?.[prefix + name]) return;
    causes.push(invalid(`metadata.labels[${prefix}${name}]`, value, words));
  };
  for (const mode of modes) {
    look(mode, (value) => (levels as readonly string[]).includes(value), `must be one of ${levels.join(", ")}`);
    look(`${mode}-version`, (value) => versionOf(value) !== undefined, 'must be "latest" or "v1.x"');
  }
  return causes;
}

export function violations({ level, version }: Level, metadata: ObjectMeta, spec: PodSpec): Violation[] {
  if (level === "privileged") return [];
  const minor = version === "latest" ? Infinity : version;
  const holding = (checks: readonly Check[]) => checks.filter(({ since }) => since <= minor);
  const further = level === "restricted" ? holding(restricted) : [];
  const covered = further.map(({ instead }) => instead);
  return [...holding(baseline).filter(({ id }) => !covered.includes(id)), ...further].flatMap(({ look }) =>
    look({ metadata, spec, version: minor }) ?? []
  );
}
