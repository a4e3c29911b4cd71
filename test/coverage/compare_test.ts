import * as assert from "uvu/assert";
import { atomic, field, int32, kind, list, mergedBy, message, optional, required, string } from "../../shared/api/schema.ts";
import type { Message } from "../../shared/api/schema.ts";
import { suite } from "../kit/suite.ts";
import { compare, type Table } from "./compare.ts";

const test = suite("coverage");
const id = "k8s.io.api.sea.v1";
class Mark extends message(`${id}.Mark`, "A sea mark.", {
  name: required(1, string, "What it is called."),
  metres: optional(2, int32, "How high it is."),
}) {}
const chartOf = (fields: object): Message =>
  kind("sea/v1", `${id}.Chart`, "A chart.", { marks: field(1, list(Mark), "Its marks.", mergedBy("name")), ...fields }) as never;
const chart = chartOf({});
const typed = { apiVersion: { type: "string" }, kind: { type: "string" } };
const tableWith = (marks: object = {}, metres: object = {}): Table =>
  ({
    "io.k8s.api.sea.v1.Chart": {
      gvk: [{ group: "sea", version: "v1", kind: "Chart" }],
      fields: {
        ...typed,
        marks: {
          no: 1,
          type: "list<ref io.k8s.api.sea.v1.Mark>",
          mergeKey: "name",
          patchStrategy: "merge",
          listType: "map",
          listMapKeys: ["name"],
          ...marks,
        },
      },
    },
    "io.k8s.api.sea.v1.Mark": {
      fields: { name: { no: 1, req: true, type: "string" }, metres: { no: 2, opt: true, type: "integer", ...metres } },
    },
    "io.k8s.api.sea.v1.Buoy": { gvk: [{ group: "sea", version: "v1", kind: "Buoy" }], fields: typed },
  }) as never;

test("compare() finds all as it should be, and names the kinds that are not ours", () => {
  const { kinds, differences, absent, total, good } = compare(tableWith(), [chart]);
  assert.equal(differences, []);
  assert.equal(kinds, [{ apiVersion: "sea/v1", kind: "Chart", fields: { total: 5, good: 5 } }]);
  assert.equal([total, good], [5, 5]);
  assert.equal(absent, ["sea/v1 Buoy"]);
});
test("compare() sees another type, number, zero, merge key, and what is missing on either side", () => {
  const said = (table: Table, ours = chart) => compare(table, [ours]).differences;
  const mark = "io.k8s.api.sea.v1.Mark metres", marks = "io.k8s.api.sea.v1.Chart marks";
  assert.equal(said(tableWith({}, { type: "int64" })), [`${mark}: type is "integer", not "int64"`]);
  assert.equal(said(tableWith({}, { no: 3 })), [`${mark}: number is 2, not 3`]);
  assert.equal(said(tableWith({}, { opt: false })), [`${mark}: zero kept is true, not false`]);
  assert.equal(said(tableWith({ mergeKey: "metres" })), [`${marks}: merge key is "name", not "metres"`]);
  assert.equal(said(tableWith(), chartOf({ scale: field(2, int32, "…") })), ["io.k8s.api.sea.v1.Chart scale: not in the table"]);
  assert.equal(said(tableWith(), chartOf({ marks: field(1, list(string), "…", atomic) })).length, 7);
  const { kinds, good } = compare(tableWith(), [kind("sea/v1", `${id}.Chart`, "A chart.", {}) as never]);
  assert.equal([kinds[0]!.fields, good], [{ total: 5, good: 2 }, 2]);
});
test("compare() leaves kinds alone that the table does not know", () => {
  const own = kind("fleet/v1", "dev.skerry.fleet.v1.Boat", "A boat.", {}) as unknown as Message;
  assert.equal(compare(tableWith(), [own]).kinds, [{ apiVersion: "fleet/v1", kind: "Boat", fields: undefined }]);
});
