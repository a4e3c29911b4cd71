// Which stored objects a list or watch is about. Needs their headers only.
import { type Kind } from "../../shared/api/resource.ts";
import { type Fields, type Labels, matchFields, matchLabels } from "../../shared/api/selector.ts";
import { badRequest } from "../../shared/api/status.ts";
import { keyOf, prefixOf } from "./codec.ts";
import type { Stored } from "./face.ts";

export interface Selection {
  readonly namespace?: string | undefined;
  readonly labels?: Labels | undefined;
  readonly fields?: Fields | undefined;
}
export interface Selector {
  /** Prefix of the keys to look at: the narrowest there is. */
  readonly prefix: string;
  /** Does the prefix say it all? Then nothing has to be matched. */
  readonly all: boolean;
  matches(stored: Stored): boolean;
}

/** @throws ApiError BadRequest for a field that the kind does not offer */
export function selector(kind: Kind, { namespace, labels = [], fields = [] }: Selection): Selector {
  for (const { field } of fields) checkField(kind, field);
  const name = fields.find(({ field, equal }) => field === "metadata.name" && equal)?.value;
  const space = !kind.namespaced ? "" : namespace || fields.find(({ field, equal }) => field === "metadata.namespace" && equal)?.value;
  const one = name !== undefined && space !== undefined;
  return {
    prefix: one ? keyOf(kind, space, name) : prefixOf(kind, space || (kind.namespaced ? undefined : "")),
    all: labels.length === 0 && fields.length === 0,
    matches: (stored) =>
      matchLabels(labels, stored.labels) &&
      matchFields(fields, (field) =>
        field === "metadata.name" ? stored.name : field === "metadata.namespace" ? stored.namespace : stored.fields[field]),
  };
}
function checkField(kind: Kind, field: string): void {
  if (field === "metadata.name" || (field === "metadata.namespace" && kind.namespaced)) return;
  if (!kind.selectable) {
    const known = kind.namespaced ? '"metadata.name", "metadata.namespace"' : '"metadata.name"';
    throw badRequest(`"${field}" is not a known field selector: only ${known}`);
  }
  if (!Object.hasOwn(kind.selectable, field)) throw badRequest(`field label not supported: ${field}`);
}
