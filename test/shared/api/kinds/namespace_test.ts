import * as assert from "uvu/assert";
import { type Namespace, namespaces } from "../../../../shared/api/kinds/namespace.ts";
import { admit } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("namespaces");
const metadata = { name: "a" };

test("are born Active, to be emptied before they go", () => {
  const namespace: Namespace = { metadata };
  namespaces.born?.(namespace);
  assert.equal(namespace, { metadata, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
});
test("keep their finalizers, whatever an update says", () => {
  const old = { metadata, spec: { finalizers: ["kubernetes"] } };
  assert.equal(admit(namespaces, { metadata }, old).object.spec, old.spec);
  assert.equal(admit(namespaces, { metadata, spec: { finalizers: ["a.b/c"] } }, old).object.spec, old.spec);
});
test("are Terminating when and only when they are deleted", () => {
  const causes = (phase: string, more: object = {}) => admit(namespaces, { metadata: { ...metadata, ...more }, status: { phase } }).causes;
  const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  assert.equal(causes("Active"), []);
  assert.equal(causes("Terminating", deleted), []);
  assert.equal(causes("Terminating"), [
    "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
  ]);
  assert.equal(causes("Active", deleted), [
    "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty",
  ]);
});
test("refuse finalizers without a domain's syntax", () => {
  assert.match(
    admit(namespaces, { metadata, spec: { finalizers: ["_"] } }).causes[0]!,
    /^spec\.finalizers\[0\]: Invalid value: "_": name part must consist/,
  );
});
