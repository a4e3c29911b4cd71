// How the events of a watch look on the wire: `{"type":…,"object":…}` and a line feed, the object in the form that the client asked for.
import { Buffer } from "node:buffer";
import { apiVersionOf, type Kind } from "../../shared/api/resource.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Stored } from "../registry/registry.ts";
import type { Wanted } from "./negotiate.ts";
import { columnDefinitions, type Include, partialMetadata, type Row, row, table } from "./table.ts";

/** Parts of a line, to be written one behind the other: so an object's own bytes need not be copied for each watcher. */
export type Line = readonly Uint8Array[];
export interface EventForm {
  event(type: EventType, stored: Stored): Line;
  bookmark(revision: number, annotations?: Readonly<Record<string, string>>): Line;
}
type EventType = "ADDED" | "MODIFIED" | "DELETED";

const head = (type: string): Uint8Array => Buffer.from(`{"type":"${type}","object":`);
const heads = {
  ADDED: head("ADDED"),
  MODIFIED: head("MODIFIED"),
  DELETED: head("DELETED"),
  BOOKMARK: head("BOOKMARK"),
  ERROR: head("ERROR"),
};
const tail = Buffer.from("}\n");
const line = (type: keyof typeof heads, object: unknown): Line => [heads[type], Buffer.from(JSON.stringify(object)), tail];

/** The last line of a watch that went wrong. */
export const errorLine = (status: unknown): Line => line("ERROR", status);
/** A line without an event. Clients skip it, but know that we are there (client-node gives up after 30 s of silence). */
export const emptyLine: Uint8Array = Buffer.from("\n");

const bookmarkMeta = (revision: number, annotations: Readonly<Record<string, string>> | undefined) => ({
  resourceVersion: String(revision),
  creationTimestamp: null,
  ...(annotations && { annotations }),
});

export function eventForm(kind: Kind, { form, version }: Wanted, include: Include, clock: Clock): EventForm {
  switch (form) {
    case "table":
      return tables(kind, version, include, clock);
    case "metadata": {
      const type = { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}` };
      return {
        event: (event, stored) => [heads[event], metadataBytes(stored, version), tail],
        bookmark: (revision, annotations) => line("BOOKMARK", { ...type, metadata: bookmarkMeta(revision, annotations) }),
      };
    }
    default: {
      const type = { kind: kind.kind, apiVersion: apiVersionOf(kind) };
      return {
        event: (event, stored) => [heads[event], stored.bytes(), tail],
        bookmark: (revision, annotations) => line("BOOKMARK", { ...type, metadata: bookmarkMeta(revision, annotations) }),
      };
    }
  }
}

/** One table an event. Not kept for other watchers: the age in a row is that of this moment. */
function tables(kind: Kind, version: string, include: Include, clock: Clock): EventForm {
  const all = columnDefinitions(kind);
  let columns = all; // in the first event only
  const made = (revision: number, rows: readonly Row[]): unknown => {
    const shown = table(version, { resourceVersion: String(revision) }, columns, rows);
    columns = [];
    return shown;
  };
  return {
    event: (event, stored) => line(event, made(stored.revision, [row(stored, clock.now(), include, version)])),
    bookmark(revision, annotations) {
      if (!annotations) return line("BOOKMARK", made(revision, []));
      // What the annotations stand on must be some row's object.
      const object = { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: bookmarkMeta(revision, annotations) };
      return line("BOOKMARK", made(revision, [{ cells: all.map(() => ""), object }]));
    },
  };
}

/** Serialised once an object, for all who watch its metadata. */
const metadata = new WeakMap<Stored, Uint8Array>();
function metadataBytes(stored: Stored, version: string): Uint8Array {
  let bytes = metadata.get(stored);
  if (!bytes) metadata.set(stored, bytes = Buffer.from(JSON.stringify(partialMetadata(stored, version))));
  return bytes;
}
