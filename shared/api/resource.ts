// What the API server knows about a kind beyond its fields. A kind's file is its schema and one call of `resource`.
import type { Cause } from "./decode.ts";
import type { Message } from "./schema.ts";
import type { ObjectMeta } from "./meta.ts";
import { shownCharacters } from "../limits.ts";

/** What every stored object has. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

export type Cell = string | number | boolean | null;
export interface Column<T> {
  readonly cell: (object: T, now: number) => Cell;
  /** Shown only with `-o wide`. */
  readonly wide?: boolean;
  /** The same as a number, where somebody else has chosen it. */
  readonly priority?: number;
  readonly format?: string;
  readonly type?: "string" | "integer" | "date" | "boolean" | "number";
  readonly description?: string;
}

export interface Resource<T> {
  readonly plural: string;
  readonly short?: readonly string[];
  /** Of a list of it. Default: the kind and List. */
  readonly listKind?: string;
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** Is there a /status subresource? Then writes to the object leave status alone, and the other way round. */
  readonly status?: boolean;
  /** Paths of the /scale subresource, as in a CustomResourceDefinition. */
  readonly scale?: { readonly specReplicas: string; readonly statusReplicas: string; readonly selector?: string };
  /** Other subresources, which HTTP serves with code of their own: log, exec, binding, eviction, token, finalize … */
  readonly subresources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly group?: string;
    readonly version?: string;
    readonly verbs: readonly string[];
  }[];
  /** Verbs other than the eight usual ones (create delete deletecollection get list patch update watch). */
  readonly verbs?: readonly string[];
  /** Which syntax names have. Default "subdomain". */
  readonly names?: "subdomain" | "label" | "dns1035" | "path";
  /** Is an update without resourceVersion refused (422)? */
  readonly conditionalUpdate?: boolean;
  /** Does generation count changes of its spec? Default: if the schema has a spec. */
  readonly generation?: boolean;
  /**
   * false: nothing of it lies in the store. Somebody answers every request himself (reviews), or keeps it in memory (NodeLink). Default true.
   */
  readonly stored?: boolean;
  /** The CustomResourceDefinition that it comes from; absent: it is one of the house. */
  readonly definition?: string;
  /** Its objects lie in the store as another version wrote them, and become this one's when somebody reads them. */
  readonly kept?: Kept<T>;
  /** Whoever asks for it is warned in these words. */
  readonly deprecated?: string;
  /** Another form of a kind that is stored: served from that kind's objects. */
  readonly view?: View<T>;
  /** The columns of `kubectl get`, between NAME and AGE. One that is itself called Name or Age stands for that. */
  readonly columns?: Readonly<Record<string, Column<T> | ((object: T, now: number) => Cell)>>;
  /** Does the table end with AGE? Default true. */
  readonly age?: boolean;
  /** Field selectors beyond metadata.name and metadata.namespace; the values stand in the stored header. */
  readonly selectable?: Readonly<Record<string, (object: T) => string>>;
  /** Defaults that depend on other fields; the others stand beside their field. Idempotent. */
  defaults?(object: T): void;
  /** Rules that span fields, after every field has passed its own; with `old`, also what may not change. A subresource's writes come without `old`. */
  validate?(object: T, old?: T, subresource?: string): Cause[];
  /** Brings a new object into its first state beyond defaults (a Namespace is born Active). */
  born?(object: T): void;
  /** What a first deletion that cannot be carried out at once makes of the object, besides its deletionTimestamp. `time` is RFC 3339. */
  dying?(object: T, time: string): void;
  /**
   * On a PUT or PATCH of the object itself, not of a subresource, before defaults: takes over from `old` what a writer may leave out because the
   * system had chosen it (a clusterIP), and what cannot be written this way (a Namespace's finalizers). May change `object` only.
   */
  inherit?(object: T, old: T): void;
}
/** Versions of one kind whose objects differ in no more than what their schemas say of them. */
export interface Kept<T> {
  /** What stands in the store as the version of an object that is written. */
  readonly version: string;
  /** May change what it is given. */
  read(stored: T): T;
}
/** How a view's objects are made of stored ones, and the other way round. Both leave what they are given alone. */
export interface View<T> {
  readonly of: Kind;
  read(stored: KubernetesObject): T;
  write(object: T): KubernetesObject;
}
export const viewOf = <S, T>(of: Kind<S>, how: { read(stored: S): T; write(object: T): S }): View<T> => ({ of, ...how }) as never;
export interface Kind<T = KubernetesObject> extends Resource<T> {
  readonly schema: Message<T>;
  readonly group: string; // "" for core
  readonly version: string;
  readonly kind: string;
  readonly singular: string;
}

/** A kind from its schema (made with `kind(apiVersion, id, doc, fields)`) and its facts. */
export function resource<T>(schema: Message<T>, facts: Resource<NoInfer<T>>): Kind<T> {
  const [version, group = ""] = schema.apiVersion!.split("/").reverse() as [string, string?];
  const kind = schema.id.slice(schema.id.lastIndexOf(".") + 1);
  return { ...facts, schema, group, version, kind, singular: kind.toLowerCase() };
}

const usualVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;
export const verbsOf = (kind: Pick<Kind, "verbs">): readonly string[] => kind.verbs ?? usualVerbs;
/** "v1", "apps/v1" */
export const apiVersionOf = ({ group, version }: Pick<Kind, "group" | "version">): string => group === "" ? version : `${group}/${version}`;
/** "/api/v1", "/apis/apps/v1" */
export const pathOf = ({ group, version }: Pick<Kind, "group" | "version">): string =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

/** A subresource, with the kind that is spoken there. */
export interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly verbs: readonly string[];
}
export function subresourcesOf(kind: Kind): Subresource[] {
  const own = { kind: kind.kind, group: kind.group, version: kind.version }, usual = ["get", "patch", "update"];
  return [
    ...kind.status ? [{ name: "status", ...own, verbs: usual }] : [],
    ...kind.scale ? [{ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: usual }] : [],
    ...(kind.subresources ?? []).map((sub) => ({ ...sub, group: sub.group ?? kind.group, version: sub.version ?? kind.version })),
  ];
}

/** `deployments.apps`, `pods`: how errors and RBAC name a kind. */
export const qualified = (kind: Pick<Kind, "plural" | "group">): string => kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;

/** A value as the report of a problem shows it: from its beginning, and not for megabytes. */
export function shown(value: unknown): string {
  const text = JSON.stringify(typeof value === "string" ? value.slice(0, shownCharacters + 1) : value) ?? "";
  return text.length <= shownCharacters + 2 ? text : `${text.slice(0, shownCharacters)}…`;
}
export const invalid = (field: string, value: unknown, message: string): Cause => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${shown(value)}: ${message}`,
});
export const missing = (field: string, message = ""): Cause => ({
  reason: "FieldValueRequired",
  field,
  message: message ? `Required value: ${message}` : "Required value",
});
export const forbidden = (field: string, message: string): Cause => ({
  reason: "FieldValueForbidden",
  field,
  message: `Forbidden: ${message}`,
});
export const duplicate = (field: string, value: unknown): Cause => ({
  reason: "FieldValueDuplicate",
  field,
  message: `Duplicate value: ${shown(value)}`,
});
export const notFound = (field: string, value: unknown): Cause => ({
  reason: "FieldValueNotFound",
  field,
  message: `Not found: ${shown(value)}`,
});
export const unsupported = (field: string, value: unknown, allowed: readonly string[]): Cause => ({
  reason: "FieldValueNotSupported",
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${allowed.toSorted().map((s) => `"${s}"`).join(", ")}`,
});
export const tooLong = (field: string, bytes: number): Cause => ({
  reason: "FieldValueTooLong",
  field,
  message: `Too long: may not be more than ${bytes} bytes`,
});
export const tooMany = (field: string, count: number, most: number): Cause => ({
  reason: "FieldValueTooMany",
  field,
  message: `Too many: ${count}: must have at most ${most} items`,
});
/** A field that may be set once. */
export const immutable = (field: string, value: unknown): Cause => invalid(field, value, "field is immutable");
