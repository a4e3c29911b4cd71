// Amounts in CEL: quantity() of Kubernetes' library. They are compared as numbers, not as texts.
import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { addQuantities, canonicalQuantity, compareQuantities, isQuantity, parseQuantity } from "../quantity.ts";

class Quantity {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
const nano = 1_000_000_000n;
const nanoOf = ({ text }: Quantity): bigint => parseQuantity(text).nano;
const negated = (text: string): string => text.startsWith("-") ? text.slice(1) : `-${text.replace(/^\+/, "")}`;
function quantityOf(text: string): Quantity {
  if (!isQuantity(text)) throw new EvaluationError(`quantity parse error during conversion from string: ${text}`);
  return new Quantity(canonicalQuantity(text));
}
function whole(quantity: Quantity): bigint {
  const value = nanoOf(quantity);
  if (value % nano !== 0n) throw new EvaluationError("cannot convert value to integer");
  return value / nano;
}

export function quantityFunctions(environment: Environment): void {
  const compare = (a: Quantity, b: Quantity): number => compareQuantities(a.text, b.text);
  const sum = (a: Quantity, b: Quantity): Quantity => new Quantity(addQuantities(a.text, b.text));
  environment.registerType("kubernetes.Quantity", { ctor: Quantity, fields: {} });
  environment
    .registerFunction("isQuantity(string): bool", (text: string) => isQuantity(text))
    .registerFunction("quantity(string): kubernetes.Quantity", quantityOf)
    .registerFunction("kubernetes.Quantity.isInteger(): bool", (quantity: Quantity) => nanoOf(quantity) % nano === 0n)
    .registerFunction("kubernetes.Quantity.asInteger(): int", whole)
    .registerFunction("kubernetes.Quantity.asApproximateFloat(): double", (quantity: Quantity) => Number(nanoOf(quantity)) / Number(nano))
    .registerFunction("kubernetes.Quantity.sign(): int", (quantity: Quantity) => BigInt(Math.sign(Number(nanoOf(quantity)))))
    .registerFunction("kubernetes.Quantity.compareTo(kubernetes.Quantity): int", (a: Quantity, b: Quantity) => BigInt(compare(a, b)))
    .registerFunction("kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool", (a: Quantity, b: Quantity) => compare(a, b) > 0)
    .registerFunction("kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool", (a: Quantity, b: Quantity) => compare(a, b) < 0)
    .registerFunction("kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity", sum)
    .registerFunction("kubernetes.Quantity.add(int): kubernetes.Quantity", (a: Quantity, b: bigint) => sum(a, quantityOf(String(b))))
    .registerFunction(
      "kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity",
      (a: Quantity, b: Quantity) => sum(a, quantityOf(negated(b.text))),
    )
    .registerFunction("kubernetes.Quantity.sub(int): kubernetes.Quantity", (a: Quantity, b: bigint) => sum(a, quantityOf(String(-b))))
    .registerOperator("kubernetes.Quantity == kubernetes.Quantity", (a: Quantity, b: Quantity) => compare(a, b) === 0);
}
