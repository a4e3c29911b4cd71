// What of a custom resource stands in its columns, and by what it can be selected.
import { selectableFields as mostSelectable } from "../../limits.ts";
import { age } from "../age.ts";
import type { Cause } from "../decode.ts";
import type { CustomResourceDefinitionVersion } from "../kinds/custom_resource_definition.ts";
import { type Cell, type Column, duplicate, invalid, type KubernetesObject, tooMany } from "../resource.ts";
import { parseJsonPath, textOf, valuesAt } from "./json_path.ts";
import { own, type Schema } from "./structural.ts";

type Columns = NonNullable<CustomResourceDefinitionVersion["additionalPrinterColumns"]>;
type Selectable = NonNullable<CustomResourceDefinitionVersion["selectableFields"]>;

/** Undefined where the definition names none: then it is NAME and AGE. */
export function columnsOf(columns: Columns): Record<string, Column<KubernetesObject>> | undefined {
  if (columns.length === 0) return undefined;
  return Object.fromEntries(
    columns.map(({ name, type, format, description, priority = 0, jsonPath }): [string, Column<KubernetesObject>] => {
      const path = parseJsonPath(jsonPath);
      return [name, {
        type: type as "string",
        ...format && { format },
        priority,
        description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
        cell: (object, now) => cellOf(type, valuesAt(path, object), now),
      }];
    }),
  );
}
/** Nothing where there is nothing, or nothing of that type (apiextensions' tableconvertor). */
function cellOf(type: string, values: readonly unknown[], now: number): Cell {
  const [value] = values;
  if (value === undefined || value === null) return null;
  if (type === "string") return values.map(textOf).join(" ");
  if (type === "date") return typeof value === "string" ? Number.isNaN(Date.parse(value)) ? "<invalid>" : age(value, now) : null;
  if (type === "boolean") return typeof value === "boolean" ? value : null;
  if (typeof value !== "number") return null;
  return type === "integer" ? Math.trunc(value) : value;
}

/** Fields by which its objects can be selected, as selectors name them: "spec.color". */
export function selectableOf(fields: Selectable): Record<string, (object: KubernetesObject) => string> {
  return Object.fromEntries(fields.map(({ jsonPath }) => {
    const path = parseJsonPath(jsonPath);
    return [jsonPath.slice(1), (object) => {
      const [value] = valuesAt(path, object);
      return value === undefined || value === null ? "" : textOf(value);
    }];
  }));
}

const selectableTypes = ["string", "boolean", "integer"];
export function checkSelectable(fields: Selectable, schema: Schema | undefined, at: string): Cause[] {
  const causes: Cause[] = [], seen = new Set<string>();
  if (fields.length > mostSelectable) return [tooMany(at, fields.length, mostSelectable)];
  for (const [i, { jsonPath }] of fields.entries()) {
    const wrong = (words: string) => causes.push(invalid(`${at}[${i}].jsonPath`, jsonPath, words));
    if (!/^(\.[A-Za-z_][\w-]*)+$/.test(jsonPath)) {
      wrong("is an invalid path: must be a simple json path of field names");
      continue;
    }
    if (seen.size === seen.add(jsonPath).size) causes.push(duplicate(`${at}[${i}].jsonPath`, jsonPath));
    if (jsonPath === ".metadata" || jsonPath.startsWith(".metadata.")) wrong("must not point to fields in metadata");
    let found: Schema | undefined = schema;
    for (const name of jsonPath.slice(1).split(".")) found = found && own(found.properties, name);
    if (!found) wrong("is an invalid path: does not refer to a valid field");
    else if (!selectableTypes.includes(found.type ?? "")) {
      wrong("must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
    }
  }
  return causes;
}
