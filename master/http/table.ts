// kubectl's Tables: the server renders the cells, the client only aligns them. Everything comes from Kind.columns.
import { age } from "../../shared/api/age.ts";
import type { Cell, Column, Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { Stored } from "../registry/registry.ts";

/** What stands beside each row's cells (?includeObject). */
export type Include = "Metadata" | "Object" | "None";
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

interface Layout {
  readonly definitions: readonly ColumnDefinition[];
  readonly cells: readonly ((object: never, now: number) => Cell)[];
}
const layouts = new WeakMap<Kind, Layout>();

function layout(kind: Kind): Layout {
  const known = layouts.get(kind);
  if (known) return known;
  const columns = new Map<string, Column<KubernetesObject>>();
  // Events have their name among the wide columns, and their age as "Last Seen".
  if (!Object.hasOwn(kind.columns ?? {}, "Name")) columns.set("Name", { cell: ({ metadata }) => metadata?.name ?? "" });
  for (const [name, column] of Object.entries(kind.columns ?? {})) {
    columns.set(name, typeof column === "function" ? { cell: column } : column);
  }
  if (kind.age !== false && !columns.has("Age")) columns.set("Age", { cell: ({ metadata }, now) => age(metadata?.creationTimestamp, now) });
  const made: Layout = {
    cells: [...columns.values()].map(({ cell }) => cell),
    definitions: [...columns].map(([name, { type = "string", wide = false, priority = wide ? 1 : 0, format = "", description }]) => ({
      name,
      type,
      format: name === "Name" ? "name" : format,
      description: description ?? descriptions[name] ?? "",
      priority,
    })),
  };
  layouts.set(kind, made);
  return made;
}
const descriptions: Readonly<Record<string, string>> = {
  Name: "Name, unique in its namespace.",
  Age: "How long ago the object was made.",
};

export const columnDefinitions = (kind: Kind): readonly ColumnDefinition[] => layout(kind).definitions;

export interface Row {
  readonly cells: readonly Cell[];
  readonly object?: unknown;
}
/** @param now milliseconds since 1970, for ages */
export function row(stored: Stored, now: number, include: Include, version: string): Row {
  const cells = layout(stored.kind).cells.map((cell) => cell(stored.object as never, now));
  if (include === "None") return { cells, object: null };
  return { cells, object: include === "Object" ? stored.object : partialMetadata(stored, version) };
}

/** An object's metadata and nothing else. */
export const partialMetadata = (stored: Stored, version: string): unknown => ({
  kind: "PartialObjectMetadata",
  apiVersion: `meta.k8s.io/${version}`,
  metadata: stored.object.metadata,
});

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}
/** @param columns left out of the later events of a watch */
export const table = (version: string, metadata: ListMeta, columns: readonly ColumnDefinition[], rows: readonly Row[]): unknown => ({
  kind: "Table",
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
  columnDefinitions: columns,
  rows,
});
