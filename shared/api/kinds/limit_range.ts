// Bounds and defaults for what each container, pod or claim of a namespace may ask for.
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { qualifiedName } from "../names.ts";
import { compareQuantities, parseQuantity } from "../quantity.ts";
import { duplicate, forbidden, invalid, missing, resource } from "../resource.ts";
import { quantity } from "../scalars.ts";
import { atomic, field, kind, list, map, message, required, string } from "../schema.ts";
import { each, obeysSyntax, unique } from "./pod/check.ts";

const core = "k8s.io.api.core.v1";
type Quantities = Readonly<Record<string, string>>;

export class LimitRangeItem extends message(`${core}.LimitRangeItem`, "Bounds for one type of objects.", {
  type: required(1, string, "What is bounded: Container, Pod or PersistentVolumeClaim."),
  max: field(2, map(quantity), "The most that one may have."),
  min: field(3, map(quantity), "The least that one must ask for."),
  default: field(4, map(quantity), "Limits of containers that name none."),
  defaultRequest: field(5, map(quantity), "Requests of containers that name none."),
  maxLimitRequestRatio: field(6, map(quantity), "How often the request may go into the limit."),
}) {}
export class LimitRangeSpec extends message(`${core}.LimitRangeSpec`, "What is wanted of a limit range.", {
  limits: required(1, list(LimitRangeItem), "The bounds, a type an item.", { ...atomic, default: [] }),
}) {}
export class LimitRange extends kind("v1", `${core}.LimitRange`, "Bounds for what the objects of a namespace may ask for.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, LimitRangeSpec, "What is wanted."),
}) {}

export const limitRanges = resource(LimitRange, {
  plural: "limitranges",
  short: ["limits"],
  namespaced: true,
  generation: false,
  age: false,
  columns: { "Created At": { type: "date", cell: ({ metadata }) => metadata?.creationTimestamp ?? "" } },
  /** What a container gets follows from what it may have. */
  defaults({ spec }) {
    for (const item of spec?.limits ?? []) {
      if (item.type !== "Container") continue;
      const { max = {}, min = {} } = item, limits = { ...max, ...item.default }, requests = { ...min, ...limits, ...item.defaultRequest };
      if (Object.keys(limits).length > 0) item.default = limits;
      if (Object.keys(requests).length > 0) item.defaultRequest = requests;
    }
  },
  validate: ({ spec }) => {
    if (!spec) return [];
    return [
      ...unique(spec.limits, "spec.limits", ({ type }) => type, (here, type) => duplicate(`${here}.type`, type)),
      ...each(spec.limits, "spec.limits", validateItem),
    ];
  },
});

const types = ["Pod", "Container", "PersistentVolumeClaim"];
const standard = ["cpu", "memory", "ephemeral-storage", "storage"];

function validateItem(item: LimitRangeItem, at: string): Cause[] {
  const { type, max = {}, min = {}, maxLimitRequestRatio: ratio = {} } = item, causes = obeysSyntax(`${at}.type`, type, qualifiedName);
  if (causes.length === 0 && !type.includes("/") && !types.includes(type)) {
    causes.push(invalid(`${at}.type`, type, "must be a standard limit type or fully qualified"));
  }
  const lists = { max, min, default: item.default, defaultRequest: item.defaultRequest, maxLimitRequestRatio: ratio };
  for (const [field, quantities] of Object.entries(lists)) {
    if (!quantities) continue;
    if (type === "Pod" && field.startsWith("default")) {
      causes.push(forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'"));
    } else causes.push(...Object.keys(quantities).flatMap((name) => validateName(name, `${at}.${field}[${name}]`)));
  }
  if (type === "PersistentVolumeClaim" && min.storage === undefined && max.storage === undefined) {
    causes.push(missing(`${at}.limits`, "either minimum or maximum storage value is required, but neither was provided"));
  }
  const names = new Set(Object.values(lists).flatMap((quantities) => Object.keys(quantities ?? {})));
  return [...causes, ...[...names].flatMap((name) => validateOrder(item, name, at))];
}
function validateName(name: string, at: string): Cause[] {
  const broken = obeysSyntax(at, name, qualifiedName);
  if (broken.length > 0 || name.includes("/") || standard.includes(name) || name.startsWith("hugepages-")) return broken;
  return [invalid(at, name, "must be a standard resource type or fully qualified")];
}

/** min ≤ defaultRequest ≤ default ≤ max, as far as they are there. */
function validateOrder(item: LimitRangeItem, name: string, at: string): Cause[] {
  const of = (quantities: Quantities | undefined) => quantities && Object.hasOwn(quantities, name) ? quantities[name] : undefined;
  const [min, request, limit, max] = [of(item.min), of(item.defaultRequest), of(item.default), of(item.max)], causes: Cause[] = [];
  const inOrder = (low: string | undefined, high: string | undefined, field: string, lowWord: string, highWord: string, shown = low) => {
    if (low === undefined || high === undefined || compareQuantities(low, high) <= 0) return;
    causes.push(invalid(`${at}.${field}[${name}]`, shown, `${lowWord} value ${low} is greater than ${highWord} value ${high}`));
  };
  inOrder(min, max, "min", "min", "max");
  inOrder(min, request, "defaultRequest", "min", "default request", request);
  inOrder(request, max, "defaultRequest", "default request", "max");
  inOrder(request, limit, "defaultRequest", "default request", "default limit");
  inOrder(min, limit, "default", "min", "default");
  inOrder(limit, max, "default", "default", "max", max);
  const ratio = of(item.maxLimitRequestRatio), here = `${at}.maxLimitRequestRatio[${name}]`;
  if (ratio === undefined) return causes;
  if (compareQuantities(ratio, "1") < 0) causes.push(invalid(here, ratio, `ratio ${ratio} is less than 1`));
  if (min === undefined || max === undefined || parseQuantity(min).nano <= 0n) return causes;
  const most = Number(parseQuantity(max).nano) / Number(parseQuantity(min).nano);
  if (Number(parseQuantity(ratio).nano) / 1e9 > most) {
    causes.push(invalid(here, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`));
  }
  return causes;
}
