// "500m", "1.5Gi", "1e3": exact amounts, held as whole billionths (k8s.io/apimachinery/pkg/api/resource).
import { quantityCharacters } from "../limits.ts";

/** How an amount was written: with k, M, G; with Ki, Mi, Gi; or as 1e3. It stays in its family. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";
export interface Quantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]; // powers of 1000, from -3
const binarySuffixes = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]; // powers of 1024, from 1
const one = 1_000_000_000n;
const most = (2n ** 63n - 1n) * one;
const text = /^([+-]?)(\d*)\.?(\d*)(?:([KMGTPE]i)|([numkMGTPE]?)|[eE]([+-]?\d+))$/;
/** What is already canonical, and almost every quantity is: nothing to compute. (E may exceed the largest amount.) */
const plain = /^[1-9]\d{0,2}([numkMGTP]|[KMGTP]i)?$/;

export const quantityMessage = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
export const isQuantity = (value: unknown): boolean =>
  (typeof value === "string" || typeof value === "number") && parts(String(value)) !== undefined;
function parts(written: string): RegExpExecArray | undefined {
  const found = written.length <= quantityCharacters ? text.exec(written) : null;
  return found && found[2]! + found[3]! !== "" ? found : undefined;
}

/** Finer than a billionth is rounded away from zero, larger than 2^63-1 is cut to that: as Kubernetes does. @throws RangeError */
export function parseQuantity(written: string): Quantity {
  const found = parts(written);
  if (!found) throw new RangeError(quantityMessage);
  const [, sign, whole = "", fraction = "", binary, decimal, exponent] = found;
  const digits = BigInt(whole + fraction);
  let power = 9 - fraction.length, factor = 1n;
  let format: QuantityFormat = "DecimalSI";
  if (binary) {
    format = "BinarySI";
    factor = 1024n ** BigInt(binarySuffixes.indexOf(binary) + 1);
  } else if (exponent !== undefined) {
    format = "DecimalExponent";
    power += Math.max(-quantityCharacters, Math.min(Number(exponent), quantityCharacters)); // beyond that it is 0 or the most anyway
  } else power += 3 * (decimalSuffixes.indexOf(decimal ?? "") - 3);
  let nano = power >= 0 ? digits * factor * 10n ** BigInt(power) : divideUp(digits * factor, 10n ** BigInt(-power));
  if (nano > most) nano = most;
  return { nano: sign === "-" ? -nano : nano, format };
}

/** The one text of an amount: a whole number with the largest suffix of its family. "1.5Gi" is "1536Mi", "1000m" is "1". */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const magnitude = nano < 0n ? -nano : nano, sign = nano < 0n ? "-" : "";
  if (format === "BinarySI" && magnitude >= 1024n * one && magnitude % one === 0n) {
    let mantissa = magnitude / one, power = 0;
    for (; mantissa % 1024n === 0n && power < binarySuffixes.length; power++) mantissa /= 1024n;
    return `${sign}${mantissa}${power > 0 ? binarySuffixes[power - 1] : ""}`;
  }
  let mantissa = magnitude, power = 0;
  for (; mantissa % 1000n === 0n && power < decimalSuffixes.length - 1; power++) mantissa /= 1000n;
  if (format !== "DecimalExponent") return `${sign}${mantissa}${decimalSuffixes[power]}`;
  return `${sign}${mantissa}${power === 3 ? "" : `e${3 * (power - 3)}`}`;
}

/** How the amount is stored. @throws RangeError if it is no quantity */
export const canonicalQuantity = (written: string): string => plain.test(written) ? written : formatQuantity(parseQuantity(written));

export function compareQuantities(a: string, b: string): -1 | 0 | 1 {
  const x = parseQuantity(a).nano, y = parseQuantity(b).nano;
  return x < y ? -1 : x > y ? 1 : 0;
}
/** In the family of the first that is not zero. */
export function addQuantities(a: string, b: string): string {
  const x = parseQuantity(a), y = parseQuantity(b);
  return formatQuantity({ nano: x.nano + y.nano, format: x.nano === 0n ? y.format : x.format });
}

/** Whole units (bytes, pods, cores), a fraction counting as one. */
export const units = (amount: string | Quantity): bigint => divideUp(nanoOf(amount), one);
/** Thousandths (millicores), a fraction counting as one. */
export const milliUnits = (amount: string | Quantity): bigint => divideUp(nanoOf(amount), one / 1000n);
const nanoOf = (amount: string | Quantity): bigint => (typeof amount === "string" ? parseQuantity(amount) : amount).nano;

/** Away from zero. */
function divideUp(a: bigint, b: bigint): bigint {
  const whole = a / b;
  return whole * b === a ? whole : whole + (a < 0n ? -1n : 1n);
}
