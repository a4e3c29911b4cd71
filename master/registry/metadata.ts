// What is true of every object's metadata, whatever its kind. Pure: wrong metadata comes back as causes of a 422.
import { Buffer } from "node:buffer";
import { annotationsBytes, reportedProblems } from "../../shared/limits.ts";
import type { Cause } from "../../shared/api/decode.ts";
import type { ObjectMeta } from "../../shared/api/meta.ts";
import { labelValue, namePrefix, nameSyntax, qualifiedName } from "../../shared/api/names.ts";
import { forbidden, immutable, invalid, type Kind, missing } from "../../shared/api/resource.ts";

/** Syntax of names, labels, annotations, finalizers and owners (apimachinery's ValidateObjectMeta). */
export function checkMetadata(kind: Kind, metadata: ObjectMeta): Cause[] {
  const causes: Cause[] = [];
  const wrong = (field: string, value: unknown, problems: readonly string[]) =>
    causes.push(...problems.map((problem) => invalid(`metadata.${field}`, value, problem)));
  // A body of 3 MB can be wrong in 100,000 places: saying so of each took seconds in which nobody else was served.
  const enough = (): boolean => causes.length >= reportedProblems;
  const syntax = nameSyntax[kind.names ?? "subdomain"];
  if (metadata.generateName) wrong("generateName", metadata.generateName, namePrefix(syntax, metadata.generateName));
  if (!metadata.name) causes.push(missing("metadata.name", "name or generateName is required"));
  else wrong("name", metadata.name, syntax(metadata.name));

  if (!kind.namespaced && metadata.namespace) causes.push(forbidden("metadata.namespace", "not allowed on this type"));
  else if (kind.namespaced && !metadata.namespace) causes.push(missing("metadata.namespace"));
  else if (metadata.namespace) wrong("namespace", metadata.namespace, nameSyntax.label(metadata.namespace));

  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (enough()) break;
    wrong("labels", key, qualifiedName(key));
    wrong("labels", value, labelValue(value));
  }
  let size = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    if (!enough()) wrong("annotations", key, qualifiedName(key.toLowerCase()));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > annotationsBytes) {
    const message = `Too long: may not be more than ${annotationsBytes} bytes`;
    causes.push({ reason: "FieldValueTooLong", field: "metadata.annotations", message });
  }
  for (const finalizer of metadata.finalizers ?? []) {
    if (enough()) break;
    wrong("finalizers", finalizer, qualifiedName(finalizer));
  }
  const controllers = (metadata.ownerReferences ?? []).filter((owner) => owner.controller);
  if (controllers.length > 1) {
    const names = controllers.map((owner) => `${owner.kind}/${owner.name}`).join(" and ");
    causes.push(
      invalid(
        "metadata.ownerReferences",
        metadata.ownerReferences,
        `Only one reference can have Controller set to true. Found "true" in references for ${names}`,
      ),
    );
  }
  return causes;
}

/** What an update may not change. What it leaves out is taken from the old object (apimachinery's ValidateObjectMetaUpdate). */
export function checkMetadataUpdate(next: ObjectMeta, old: ObjectMeta): Cause[] {
  const causes: Cause[] = [];
  for (const field of ["creationTimestamp", "deletionTimestamp"] as const) {
    const value = next[field];
    if (value !== undefined && (old[field] === undefined || Date.parse(value) !== Date.parse(old[field]))) {
      causes.push(immutable(`metadata.${field}`, value));
    }
  }
  if (next.deletionGracePeriodSeconds !== undefined && next.deletionGracePeriodSeconds !== old.deletionGracePeriodSeconds) {
    causes.push(immutable("metadata.deletionGracePeriodSeconds", next.deletionGracePeriodSeconds));
  }
  if (old.deletionTimestamp !== undefined) {
    const before = new Set(old.finalizers), added = (next.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
    if (added.length > 0) {
      causes.push(forbidden(
        "metadata.finalizers",
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${
          added.slice(0, reportedProblems).map((name) => `"${name}"`).join(", ")
        }}`,
      ));
    }
  }
  return causes;
}
