// What a server answers to a client that wants less than whole objects.
import { any, object } from "../scalars.ts";
import { atomic, field, int32, kind, list, message, required, string } from "../schema.ts";
import { ListMeta, ObjectMeta } from "../meta.ts";

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1", group = "meta.k8s.io/v1";

export class PartialObjectMetadata extends kind(group, `${meta}.PartialObjectMetadata`, "An object's metadata, and nothing else of it.", {
  metadata: field(1, ObjectMeta, "Its metadata."),
}) {}

export class PartialObjectMetadataList extends kind(group, `${meta}.PartialObjectMetadataList`, "The metadata of several objects.", {
  metadata: field(1, ListMeta, "About the list."),
  items: required(2, list(PartialObjectMetadata), "The objects'.", { default: [] }),
}) {}

// The Table has no protobuf form: its fields have no numbers.
export class TableColumnDefinition extends message(`${meta}.TableColumnDefinition`, "A column.", {
  name: required(0, string, "Its head."),
  type: required(0, string, "integer, number, string, boolean or date."),
  format: required(0, string, "`name` marks the column that names the object.", { default: "" }),
  description: required(0, string, "What is in it.", { default: "" }),
  priority: required(0, int32, "0: shown always. More: only where there is room.", { default: 0 }),
}) {}

export class TableRowCondition extends message(`${meta}.TableRowCondition`, "Something about a row.", {
  type: required(0, string, "Completed: the object will not change any more."),
  status: required(0, string, "True, False or Unknown."),
  reason: field(0, string, "Why, as one CamelCase word."),
  message: field(0, string, "Why, for people."),
}) {}

export class TableRow extends message(`${meta}.TableRow`, "A row.", {
  cells: required(0, list(any), "One value a column: ready to be shown.", { ...atomic, default: [] }),
  conditions: field(0, list(TableRowCondition), "About the row.", atomic),
  object: field(0, object, "The object behind it: its metadata, all of it or nothing, as ?includeObject says."),
}) {}

export class Table extends kind(group, `${meta}.Table`, "Objects as lines to be shown.", {
  metadata: field(0, ListMeta, "About the list."),
  columnDefinitions: required(0, list(TableColumnDefinition), "The columns.", { ...atomic, default: [] }),
  rows: required(0, list(TableRow), "The rows.", { ...atomic, default: [] }),
}) {}

export class TableOptions extends kind(group, `${meta}.TableOptions`, "How a table is asked for.", {
  includeObject: field(1, string, "What stands behind each row: Metadata, Object or None."),
}) {}
