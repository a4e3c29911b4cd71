// Formats of texts, as Kubernetes checks them (kube-openapi's strfmt). A format that is not here says nothing.
import { isIP, isIPv4, isIPv6 } from "node:net";
import { dns1123Label, dns1123Subdomain } from "../names.ts";

type Format = (text: string) => boolean;
const matches = (pattern: RegExp): Format => (text) => pattern.test(text);
const uuid = (version: string): Format =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, "i"));

const dateParts = /^(\d{4})-(\d\d)-(\d\d)$/, timeOfDay = /^(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)$/i;
function isDate(text: string): boolean {
  const [, year, month, day] = dateParts.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}
function isDateTime(text: string): boolean {
  const [, hour, minute, second] = timeOfDay.exec(text.slice(11)) ?? [];
  return isDate(text.slice(0, 10)) && /[Tt ]/.test(text[10] ?? "") && hour !== undefined && Number(hour) < 24 && Number(minute) < 60 &&
    Number(second) <= 60;
}
function isUri(text: string): boolean {
  try {
    new URL(text);
    return true;
  } catch {
    return false;
  }
}
function isCidr(text: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}
const quiet: Format = () => true;

export const formats: { readonly [name: string]: Format | undefined } = Object.assign(Object.create(null), {
  "bsonobjectid": matches(/^[0-9a-f]{24}$/i),
  "byte": matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  "cidr": isCidr,
  "date": isDate,
  "date-time": isDateTime,
  "datetime": isDateTime,
  "duration": matches(/^[+-]?(0|(\d+\.?\d*|\.\d+)\s*(ns|us|µs|ms|s|m|h|d|w|sec|min|hr|days?|weeks?|hours?|minutes?|seconds?))+$/),
  "email": matches(/^[^\s@<>()[\],;:\\"]{1,64}@[^\s@]{1,255}$/),
  "hexcolor": matches(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i),
  "hostname": (text: string) => dns1123Subdomain(text.toLowerCase()).length === 0,
  "ipv4": isIPv4,
  "ipv6": isIPv6,
  "isbn": matches(/^(?:[0-9]{9}[0-9X]|97[89][0-9]{10})$/),
  "isbn10": matches(/^[0-9]{9}[0-9X]$/),
  "isbn13": matches(/^97[89][0-9]{10}$/),
  "k8s-long-name": (text: string) => dns1123Subdomain(text).length === 0,
  "k8s-short-name": (text: string) => dns1123Label(text).length === 0,
  "mac": matches(/^([0-9a-f]{2}([:-])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})$/i),
  "password": quiet,
  "rgbcolor": matches(/^rgb\(\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*(,\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*){2}\)$/),
  "ssn": matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  "uri": isUri,
  "uuid": uuid("[0-9a-f]"),
  "uuid3": uuid("3"),
  "uuid4": uuid("4"),
  "uuid5": uuid("5"),
});
