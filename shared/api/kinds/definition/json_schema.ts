// The schema of a custom resource, as its definition says it: a part of JSON schema, with Kubernetes' extensions. A schema contains schemas.
import { any } from "../../scalars.ts";
import {
  atomic,
  bool,
  double,
  either,
  field,
  int64,
  later,
  list,
  map,
  mergedBy,
  message,
  oneOf,
  optional,
  required,
  string,
  type Type,
} from "../../schema.ts";

const extensions = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1";
const schema: Type<JSONSchemaProps> = later((): Type<JSONSchemaProps> => JSONSchemaProps);
const schemaOrBool = either(
  `${extensions}.JSONSchemaPropsOrBool`,
  schema,
  bool,
  { message: 2, other: 1 },
  (value) => typeof value === "boolean",
);
const schemaOrArray = either(`${extensions}.JSONSchemaPropsOrArray`, schema, list(schema), { message: 1, other: 2 }, Array.isArray);
const schemaOrNames = either(`${extensions}.JSONSchemaPropsOrStringArray`, schema, list(string), { message: 1, other: 2 }, Array.isArray);

export class ExternalDocumentation extends message(`${extensions}.ExternalDocumentation`, "Where more is written.", {
  description: field(1, string, "What is there."),
  url: field(2, string, "Its address."),
}) {}

export class ValidationRule extends message(`${extensions}.ValidationRule`, "A rule in CEL that values must obey.", {
  rule: required(1, string, "The expression: `self` is the value, `oldSelf` the one before."),
  message: field(2, string, "What is said when it does not hold."),
  messageExpression: field(3, string, "An expression that says it."),
  reason: optional(
    4,
    oneOf("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"),
    "The kind of error; FieldValueInvalid if left out.",
  ),
  fieldPath: field(5, string, "The field that the error names, from the value on: `.a.b`."),
  optionalOldSelf: optional(6, bool, "Is it also asked where there is no old value? `oldSelf` then is an optional."),
}) {}

export class JSONSchemaProps extends message(`${extensions}.JSONSchemaProps`, "Which values there may be.", {
  id: field(1, string, "Not supported."),
  $schema: field(2, string, "Not supported."),
  $ref: optional(3, string, "Not supported."),
  description: field(4, string, "What it is, for people."),
  type: field(5, string, "array, boolean, integer, number, object or string."),
  format: field(6, string, "What the text or number is: date-time, ipv4 … Others are ignored."),
  title: field(7, string, "A heading."),
  default: optional(8, any, "The value where none is given."),
  maximum: optional(9, double, "The largest number."),
  exclusiveMaximum: field(10, bool, "Must it be smaller than that?"),
  minimum: optional(11, double, "The smallest number."),
  exclusiveMinimum: field(12, bool, "Must it be larger than that?"),
  maxLength: optional(13, int64, "Characters at most."),
  minLength: optional(14, int64, "Characters at least."),
  pattern: field(15, string, "A regular expression (RE2) that is found in the text."),
  maxItems: optional(16, int64, "Items at most."),
  minItems: optional(17, int64, "Items at least."),
  uniqueItems: field(18, bool, "Not supported: list types say it."),
  multipleOf: optional(19, double, "Only its multiples."),
  enum: field(20, list(any), "Only these values.", atomic),
  maxProperties: optional(21, int64, "Keys at most."),
  minProperties: optional(22, int64, "Keys at least."),
  required: field(23, list(string), "Fields that must be there.", atomic),
  items: optional(24, schemaOrArray, "What each item of an array is."),
  allOf: field(25, list(schema), "All of these must hold.", atomic),
  oneOf: field(26, list(schema), "Exactly one of these must hold.", atomic),
  anyOf: field(27, list(schema), "At least one of these must hold.", atomic),
  not: optional(28, schema, "This must not hold."),
  properties: field(29, map(schema), "The fields of an object."),
  additionalProperties: optional(30, schemaOrBool, "What the values of a map are."),
  patternProperties: field(31, map(schema), "Not supported."),
  dependencies: field(32, map(schemaOrNames), "Not supported."),
  additionalItems: optional(33, schemaOrBool, "Not supported."),
  definitions: field(34, map(schema), "Not supported."),
  externalDocs: optional(35, ExternalDocumentation, "Where more is written."),
  example: optional(36, any, "An example."),
  nullable: field(37, bool, "May it be null?"),
  "x-kubernetes-preserve-unknown-fields": optional(38, bool, "Are fields kept that no schema names?"),
  "x-kubernetes-embedded-resource": field(39, bool, "Is it an object of Kubernetes, with apiVersion, kind and metadata?"),
  "x-kubernetes-int-or-string": field(40, bool, "May it be a whole number as well as a text?"),
  "x-kubernetes-list-map-keys": field(41, list(string), "The fields by which items of a list of type map are told apart.", atomic),
  "x-kubernetes-list-type": optional(42, string, "atomic, set or map: how two writers' lists merge."),
  "x-kubernetes-map-type": optional(43, string, "granular or atomic: are its fields owned one by one?"),
  "x-kubernetes-validations": field(44, list(ValidationRule), "Rules in CEL.", mergedBy("rule")),
}) {}
