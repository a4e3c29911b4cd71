// Server-side apply: a manager says what it wants, and owns what it says. Pure: what becomes of the object and of everybody's fields, or who stands in the way.
import { decode } from "../../../shared/api/decode.ts";
import { sameJson } from "../../../shared/api/json.ts";
import { apiVersionOf, type Kind } from "../../../shared/api/resource.ts";
import type { Json } from "../../../shared/api/schema.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { fieldManagers, reportedProblems, shownCharacters } from "../../../shared/limits.ts";
import type { Draft } from "../lifecycle.ts";
import { compare, fieldsOf } from "./compare.ts";
import { difference, type FieldSet, intersection, pathsOf, union } from "./field_set.ts";
import { conflictsOf, type Owner, sameWriter, storedOwners, withoutTouched, writeOwners, type Writer } from "./managers.ts";
import { mergeApplied, prune } from "./merge.ts";
import { shapeOf } from "./shape.ts";
import { beforeFirstApply } from "./track.ts";

export interface Application {
  /** What the client has said, and nothing else: without defaults. */
  readonly config: Json;
  readonly manager: string;
  readonly subresource: string; // "" or "status"
  readonly force: boolean;
  /** RFC 3339. */
  readonly time: string;
}
interface Conflict {
  readonly owner: Owner;
  readonly fields: FieldSet;
}
/** kubectl's own: it also keeps what client-side apply has left behind. */
const kubectl = "kubectl", lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** The object as it is to be written, with managedFields. `live` is `{}` where there is none. @throws ApiError Conflict, BadRequest */
export function apply(kind: Kind, live: Draft | Record<string, never>, application: Application): Draft {
  const applied = tryToApply(kind, live, application, application.force);
  if (applied.object) return withLastApplied(applied.object, application);
  if (application.manager !== kubectl) throw applyConflict(kind, applied.conflicts);
  const left = beyond(applied.conflicts, fromClientSideApply(kind, live));
  if (left.length > 0) throw applyConflict(kind, left);
  return withLastApplied(tryToApply(kind, live, application, true).object!, application);
}

function tryToApply(
  kind: Kind,
  live: Draft | Record<string, never>,
  { config, manager, subresource, time }: Application,
  force: boolean,
): { object: Draft; conflicts?: undefined } | { object?: undefined; conflicts: Conflict[] } {
  const shape = shapeOf(kind), writer: Writer = { manager, operation: "Apply", subresource };
  let owners = storedOwners(live.metadata?.managedFields);
  if (owners.length === 0 && live.metadata) owners = beforeFirstApply(kind, live as Draft, time);
  const mine = owners.find((owner) => sameWriter(owner, writer)), fields = fieldsOf(shape, config);
  owners = [...owners.filter((owner) => owner !== mine), { ...writer, time, fields }];

  const merged = mergeApplied(shape, live, config);
  const pruned = prune(
    shape,
    merged,
    mine?.fields,
    owners.reduce<FieldSet | undefined>((all, owner) => union(all, owner.fields), undefined),
  );
  // As it will be stored: what is only said differently, or falls back to its default, is no change.
  const { value, cut } = decode(kind.schema, pruned), object = (cut ? pruned : value) as Draft;
  const change = compare(shape, live, object);
  if (change) {
    // A zero that is applied is one with none once it is decoded: what it takes away, it changes.
    const conflicts = conflictsOf(owners, writer, union(change.changed, intersection(change.removed, fields)));
    if (conflicts.length > 0 && !force) return { conflicts };
    owners = withoutTouched(owners, writer, change);
  }
  const managedFields = writeOwners(owners, apiVersionOf(kind));
  if (managedFields.length > fieldManagers) throw tooMany(kind);
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { object: { ...object, metadata: { ...metadata, ...(managedFields.length > 0 && { managedFields }) } } };
}

function beyond(conflicts: readonly Conflict[], allowed: FieldSet | undefined): Conflict[] {
  return conflicts.flatMap(({ owner, fields }) => {
    const left = difference(fields, allowed);
    return left ? [{ owner, fields: left }] : [];
  });
}
/** What client-side apply has put there and what still is so: kubectl may take it over from itself. */
function fromClientSideApply(kind: Kind, live: Draft | Record<string, never>): FieldSet | undefined {
  const text = live.metadata?.annotations?.[lastApplied];
  if (!text) return undefined;
  try {
    const { value } = decode(kind.schema, JSON.parse(text)), shape = shapeOf(kind), change = compare(shape, value, live);
    return difference(fieldsOf(shape, value), union(change?.changed, change?.removed));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
/** So that a client-side apply afterwards knows what was applied. */
function withLastApplied(object: Draft, { manager, config }: Application): Draft {
  const annotations = object.metadata.annotations;
  if (manager !== kubectl || !annotations || !Object.hasOwn(annotations, lastApplied)) return object;
  const { annotations: applied, ...metadata } = (config.metadata ?? {}) as Json & { annotations?: Json };
  const { [lastApplied]: _, ...others } = applied ?? {}, value = { ...config, metadata: { ...metadata, annotations: others } };
  const before = annotations[lastApplied]!;
  if (sameAsText(before, value)) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [lastApplied]: `${JSON.stringify(value)}\n` } } };
}
function sameAsText(text: string, value: Json): boolean {
  try {
    return sameJson(JSON.parse(text), value);
  } catch {
    return false; // whatever it was, it is no configuration
  }
}

/** In upstream's words, which kubectl's advice follows. Of very many conflicts as many are named as anybody reads. */
function applyConflict(kind: Kind, conflicts: readonly Conflict[]): ApiError {
  const apiVersion = apiVersionOf(kind);
  const by = conflicts.map(({ owner, fields }) => ({ who: said(owner, apiVersion), paths: pathsOf(fields) })).sort((a, b) =>
    a.who < b.who ? -1 : 1
  );
  const count = by.reduce((sum, { paths }) => sum + paths.length, 0);
  const named = by.flatMap(({ who, paths }) => paths.map((path) => ({ who, path: path.slice(0, shownCharacters) }))).slice(
    0,
    reportedProblems,
  );
  const causes = named.map(({ who, path }) => ({ reason: "FieldManagerConflict", message: `conflict with ${who}`, field: path }));
  const lines = named.flatMap(({ who, path }, i) => [...who === named[i - 1]?.who ? [] : [`conflicts with ${who}:`], `- ${path}`]);
  const text = count === 1 ? `1 conflict: ${causes[0]!.message}: ${causes[0]!.field}` : `${count} conflicts: ${lines.join("\n")}`;
  return new ApiError("Conflict", `Apply failed with ${text}`, { details: { causes } });
}
function said({ manager, operation, subresource }: Owner, apiVersion: string): string {
  const through = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  return JSON.stringify(manager) + through + (operation === "Update" ? ` using ${apiVersion}` : "");
}
const tooMany = (kind: Kind): ApiError =>
  new ApiError("Invalid", `Too many: an object of kind ${kind.kind} may have at most ${fieldManagers} field managers`, {
    details: {
      causes: [{
        reason: "FieldValueTooMany",
        field: "metadata.managedFields",
        message: `Too many: must have at most ${fieldManagers} items`,
      }],
    },
  });
