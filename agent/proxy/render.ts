// Rulesets as text for `nft -f -`: each text is one transaction, all of it or nothing. Pure.
//
// A full load keeps the table and empties it: with the table the clients of services with affinity would be forgotten. What it leaves behind, and what a
// change makes superfluous, is deleted by a later transaction, because kernels before 6.2 hold a chain as long as the map that named it is being changed.
import { nft } from "../../shared/names.ts";
import { type BaseChain, declarations, elementSets, setOrMap } from "./base.ts";
import type { Ruleset } from "./ruleset.ts";

/** Chains and sets that nothing leads to any more. */
export interface Stale {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
}

/** Everything, whatever the table holds. `anew` for a table that is of another make: it goes, and with it who its clients are. */
export function renderFull(table: string, to: Ruleset, { anew = false } = {}): string {
  const at = `${nft.family} ${table}`;
  return [
    `add table ${at}`,
    ...(anew ? [`delete table ${at}`, `add table ${at}`] : [`flush table ${at}`]),
    `table ${at} {\n${declarations}}`,
    ...(anew ? [] : [...elementSets.keys()].map((name) => `flush ${setOrMap(name)} ${at} ${name}`)),
    `table ${at} {\n${[...to.sets].map(declared).join("")}${baseText(to)}${[...to.chains].map(filled).join("")}}`,
    ...[...to.elements].flatMap(([map, of]) => listed("add", at, map, [...of])),
  ].join("\n") + "\n";
}

/** What leads from one ruleset to the next; undefined when only a full load does, empty when nothing is to be done. */
export function renderChange(table: string, from: Ruleset, to: Ruleset): { text: string; stale: Stale } | undefined {
  if (from.base !== to.base && baseText(from) !== baseText(to)) return undefined;
  const at = `${nft.family} ${table}`;
  const sets = [...to.sets].filter(([name]) => !from.sets.has(name));
  const chains = [...to.chains].filter(([name, rules]) => !sameRules(from.chains.get(name), rules));
  const stale = {
    chains: [...from.chains.keys()].filter((name) => !to.chains.has(name)),
    sets: [...from.sets.keys()].filter((name) => !to.sets.has(name)),
  };
  const elements: string[] = [];
  for (const map of elementSets.keys()) {
    const before = from.elements.get(map) ?? new Map<string, string | undefined>(),
      after = to.elements.get(map) ?? new Map<string, string | undefined>();
    if (before === after) continue;
    const gone = [...before].filter(([key, verdict]) => !after.has(key) || after.get(key) !== verdict);
    const come = [...after].filter(([key, verdict]) => !before.has(key) || before.get(key) !== verdict);
    elements.push(...listed("delete", at, map, gone), ...listed("add", at, map, come));
  }
  const text = [
    ...chains.flatMap(([name]) => [`add chain ${at} ${name}`, `flush chain ${at} ${name}`]),
    ...(sets.length + chains.length > 0 ? [`table ${at} {\n${sets.map(declared).join("")}${chains.map(filled).join("")}}`] : []),
    ...elements,
    ...stale.chains.map((name) => `flush chain ${at} ${name}`),
  ].map((line) => `${line}\n`).join("");
  return { text, stale };
}

/** Deletes what nothing leads to any more. */
export const renderRemoval = (table: string, { chains, sets }: Stale): string =>
  [
    ...chains.map((name) => `flush chain ${nft.family} ${table} ${name}\n`),
    ...chains.map((name) => `delete chain ${nft.family} ${table} ${name}\n`),
    ...sets.map((name) => `delete set ${nft.family} ${table} ${name}\n`),
  ].join("");

/** Takes the table away, whether or not it is there. */
export const renderPurge = (table: string): string => `add table ${nft.family} ${table}\ndelete table ${nft.family} ${table}\n`;

const sameRules = (a: readonly string[] | undefined, b: readonly string[]): boolean =>
  a === b || (a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]));

const declared = ([name, { family, timeoutSeconds }]: readonly [string, { family: 4 | 6; timeoutSeconds: number }]): string =>
  `  set ${name} { type ipv${family}_addr; flags dynamic,timeout; timeout ${timeoutSeconds}s; }\n`;
const filled = ([name, rules]: readonly [string, readonly string[]]): string =>
  `  chain ${name} {\n${rules.map((rule) => `    ${rule}\n`).join("")}  }\n`;
const hooked = ([name, { hook, rules }]: readonly [string, BaseChain]): string =>
  filled([name, hook ? [`${hook}; policy accept;`, ...rules] : rules]);
const baseText = ({ base }: Ruleset): string => [...base].map(hooked).join("");
const listed = (verb: "add" | "delete", at: string, map: string, entries: readonly (readonly [string, string | undefined])[]): string[] =>
  entries.length === 0 ? [] : [
    `${verb} element ${at} ${map} { ${entries.map(([key, verdict]) => verdict === undefined ? key : `${key} : ${verdict}`).join(", ")} }`,
  ];
