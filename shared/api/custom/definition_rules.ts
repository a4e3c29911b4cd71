// Can a kind be made of this definition? Its names, versions, columns and subresources; their schemas are in schema_rules.ts. Words are those of apiextensions'
// validation.go, also where it calls a field otherwise than the object does (JSONPath, scale.specReplicasPath).
import { definitionVersions, reportedProblems } from "../../limits.ts";
import type { Cause } from "../decode.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from "../kinds/custom_resource_definition.ts";
import { dns1035Label, dns1123Subdomain } from "../names.ts";
import { forbidden, immutable, invalid, missing, tooMany } from "../resource.ts";
import { checkSelectable } from "./columns.ts";
import { parseJsonPath } from "./json_path.ts";
import { checkSchema } from "./schema_rules.ts";

export function validateDefinition(definition: CustomResourceDefinition, old?: CustomResourceDefinition, subresource?: string): Cause[] {
  if (subresource === "status") return checkStored(definition);
  const { metadata: { name = "" } = {}, spec } = definition, { group, names, versions, conversion } = spec, causes: Cause[] = [];
  if (name !== `${names.plural}.${group}`) causes.push(invalid("metadata.name", name, `must be spec.names.plural+"."+spec.group`));
  causes.push(...checkGroup(definition));
  causes.push(...checkNames(names, "spec.names"));
  if (spec.preserveUnknownFields) {
    causes.push(
      invalid(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  }
  if (versions.length > definitionVersions) causes.push(tooMany("spec.versions", versions.length, definitionVersions));
  else versions.forEach((version, i) => checkVersion(version, `spec.versions[${i}]`, causes));
  const shown = versions.map(({ name }) => name);
  if (new Set(shown).size < shown.length) causes.push(invalid("spec.versions", shown, "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1) {
    causes.push(invalid("spec.versions", shown, "must have exactly one version marked as storage version"));
  }
  if (conversion?.strategy === "Webhook") {
    causes.push(forbidden("spec.conversion.strategy", "conversion by webhook is not supported by this server: must be None"));
  } else if (conversion?.webhook) {
    causes.push(forbidden("spec.conversion.webhook", "should not be set when strategy is not set to Webhook"));
  }
  causes.push(...checkStored(definition));
  if (old) causes.push(...checkUpdate(definition, old));
  return causes.slice(0, reportedProblems);
}

function checkGroup({ metadata, spec: { group } }: CustomResourceDefinition): Cause[] {
  const problems = dns1123Subdomain(group);
  if (problems.length > 0) return [invalid("spec.group", group, problems.join(","))];
  if (!group.includes(".")) return [invalid("spec.group", group, "should be a domain with at least one dot")];
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const key = "api-approved.kubernetes.io", approved = metadata?.annotations?.[key] ?? "";
  if (/^https?:\/\/\S+/.test(approved) || approved.startsWith("unapproved")) return [];
  const words = `protected groups must have approval annotation "${key}", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [missing(`metadata.annotations[${key}]`, words)];
}

function checkNames(names: CustomResourceDefinitionNames, at: string): Cause[] {
  const { plural, singular = "", kind, listKind = "", shortNames = [], categories = [] } = names, causes: Cause[] = [];
  const label = (value: string, field: string, mixedCase = false): void => {
    const problems = value === "" ? [] : dns1035Label(mixedCase ? value.toLowerCase() : value);
    const words = `${mixedCase ? "may have mixed case, but should otherwise match: " : ""}${problems.join(",")}`;
    if (problems.length > 0) causes.push(invalid(`${at}.${field}`, value, words));
  };
  label(plural, "plural");
  label(singular, "singular");
  label(kind, "kind", true);
  label(listKind, "listKind", true);
  shortNames.forEach((name, i) => label(name, `shortNames[${i}]`));
  categories.forEach((name, i) => label(name, `categories[${i}]`));
  if (kind !== "" && kind === listKind) causes.push(invalid(`${at}.listKind`, listKind, "kind and listKind may not be the same"));
  return causes;
}

function checkVersion(version: CustomResourceDefinitionVersion, at: string, causes: Cause[]): void {
  const { name, schema, subresources, additionalPrinterColumns = [], selectableFields = [], deprecated = false, deprecationWarning } =
    version;
  const problems = dns1035Label(name);
  if (problems.length > 0) causes.push(invalid(`${at}.name`, name, problems.join(",")));
  if (deprecationWarning !== undefined) {
    const wrong = (words: string) => causes.push(invalid(`${at}.deprecationWarning`, deprecationWarning, words));
    if (!deprecated) wrong("can only be set for deprecated versions");
    else if (deprecationWarning === "") wrong("must not be an empty string");
    else if (deprecationWarning.length > 256) wrong("must be <= 256 characters long");
    else if (/\p{C}/u.test(deprecationWarning)) wrong("must only contain printable UTF-8 characters");
  }
  if (!schema?.openAPIV3Schema) causes.push(missing(`${at}.schema.openAPIV3Schema`, "schemas are required"));
  else causes.push(...checkSchema(schema.openAPIV3Schema, `${at}.schema.openAPIV3Schema`));
  const scale = subresources?.scale, there = `${at}.subresources.scale`;
  if (scale) {
    simplePath(scale.specReplicasPath, `${there}.specReplicasPath`, [".spec."], "should be a json path under .spec", causes);
    simplePath(scale.statusReplicasPath, `${there}.statusReplicasPath`, [".status."], "should be a json path under .status", causes);
    const under = "should be a json path under either .spec or .status";
    if (scale.labelSelectorPath) simplePath(scale.labelSelectorPath, `${there}.labelSelectorPath`, [".spec.", ".status."], under, causes);
  }
  additionalPrinterColumns.forEach((column, i) => checkColumn(column, `${at}.additionalPrinterColumns[${i}]`, causes));
  causes.push(...checkSelectable(selectableFields, schema?.openAPIV3Schema, `${at}.selectableFields`));
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
function checkColumn(
  { name, type, format = "", jsonPath }: NonNullable<CustomResourceDefinitionVersion["additionalPrinterColumns"]>[number],
  at: string,
  causes: Cause[],
): void {
  if (!name) causes.push(missing(`${at}.name`));
  if (!columnTypes.includes(type)) causes.push(invalid(`${at}.type`, type, `must be one of ${columnTypes.join(",")}`));
  if (format && !columnFormats.includes(format)) causes.push(invalid(`${at}.format`, format, `must be one of ${columnFormats.join(",")}`));
  simplePath(jsonPath, `${at}.JSONPath`, [""], "", causes);
}
function simplePath(path: string, at: string, below: readonly string[], words: string, causes: Cause[]): void {
  if (!path.startsWith(".")) return void causes.push(invalid(at, path, "must be a simple json path starting with ."));
  if (!below.some((start) => path.startsWith(start))) return void causes.push(invalid(at, path, words));
  try {
    parseJsonPath(path);
  } catch (error) {
    causes.push(invalid(at, path, (error as Error).message));
  }
}

function checkStored({ spec: { versions }, status }: CustomResourceDefinition): Cause[] {
  const names = versions.map(({ name }) => name), stored = status?.storedVersions ?? [], at = "status.storedVersions";
  const storage = versions.find((version) => version.storage)?.name;
  const missingOne = storage !== undefined && !stored.includes(storage)
    ? [invalid(at, stored, `must have the storage version ${storage}`)]
    : [];
  return [
    ...missingOne,
    ...stored.flatMap((name, i) =>
      names.includes(name) ? [] : [invalid(
        `${at}[${i}]`,
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data ` +
          `remains persisted in ${name} and removes ${name} from status.storedVersions`,
      )]
    ),
  ];
}
function checkUpdate({ spec }: CustomResourceDefinition, old: CustomResourceDefinition): Cause[] {
  const causes: Cause[] = [], same = (at: string, value: unknown, before: unknown) => value !== before && causes.push(immutable(at, value));
  same("spec.group", spec.group, old.spec.group);
  same("spec.names.plural", spec.names.plural, old.spec.names.plural);
  // Once it has been served, objects may lie there.
  if (!old.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True")) return causes;
  same("spec.scope", spec.scope, old.spec.scope);
  same("spec.names.kind", spec.names.kind, old.spec.names.kind);
  return causes;
}
