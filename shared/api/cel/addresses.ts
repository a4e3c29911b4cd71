// Addresses in CEL: url(), ip() and cidr() of Kubernetes' libraries, and whether a text is one.
import { BlockList, isIP } from "node:net";
import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { cidr as cidrSyntax, ipFamily, routableAddress } from "../ip.ts";

class Url {
  readonly url: URL;
  constructor(url: URL) {
    this.url = url;
  }
}
class Ip {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
class Cidr {
  readonly address: string;
  readonly bits: number;
  constructor(text: string) {
    const [address, bits] = text.split("/") as [string, string];
    this.address = address;
    this.bits = Number(bits);
  }
}
const fail = (message: string): never => {
  throw new EvaluationError(message);
};
/** Go's url.ParseRequestURI: an absolute URI, or an absolute path. */
function urlOf(text: string): URL | undefined {
  try {
    return /^[a-z][a-z0-9+.-]*:/i.test(text) && !/\s/.test(text)
      ? new URL(text)
      : text.startsWith("/")
      ? new URL(text, "path://")
      : undefined;
  } catch {
    return undefined;
  }
}
const family = (text: string): "ipv4" | "ipv6" => isIP(text) === 4 ? "ipv4" : "ipv6";
function network({ address, bits }: Cidr): BlockList {
  const list = new BlockList();
  list.addSubnet(address, bits, family(address));
  return list;
}
const inside = (cidr: Cidr, address: string): boolean =>
  isIP(address) === isIP(cidr.address) && network(cidr).check(address, family(address));
const parseIp = (text: string): Ip =>
  isIP(text) && !text.includes("%") ? new Ip(text) : fail(`IP Address '${text}' parse error during conversion from string`);
const parseCidr = (text: string): Cidr =>
  cidrSyntax(text).length === 0 ? new Cidr(text) : fail(`network address parse error during conversion from string: ${text}`);
const within = (outer: Cidr, inner: Cidr): boolean => inner.bits >= outer.bits && inside(outer, inner.address);
const says = (text: string, range: string): boolean => routableAddress(text).some((problem) => problem.includes(range));

export function addressFunctions(environment: Environment): void {
  environment.registerType("net.URL", { ctor: Url, fields: {} }).registerType("net.IP", { ctor: Ip, fields: {} }).registerType("net.CIDR", {
    ctor: Cidr,
    fields: {},
  });
  environment
    .registerFunction("isURL(string): bool", (text: string) => urlOf(text) !== undefined)
    .registerFunction(
      "url(string): net.URL",
      (text: string) => new Url(urlOf(text) ?? fail(`URL parse error during conversion from string: ${text}`)),
    )
    .registerFunction("net.URL.getScheme(): string", ({ url }: Url) => url.protocol === "path:" ? "" : url.protocol.slice(0, -1))
    .registerFunction("net.URL.getHost(): string", ({ url }: Url) => url.host)
    .registerFunction("net.URL.getHostname(): string", ({ url }: Url) => url.hostname.replace(/^\[|\]$/g, ""))
    .registerFunction("net.URL.getPort(): string", ({ url }: Url) => url.port)
    .registerFunction("net.URL.getEscapedPath(): string", ({ url }: Url) => url.pathname)
    .registerFunction(
      "net.URL.getQuery(): map<string, list<string>>",
      ({ url: { searchParams } }: Url) => new Map([...new Set(searchParams.keys())].map((key) => [key, searchParams.getAll(key)])),
    )
    .registerOperator("net.URL == net.URL", (a: Url, b: Url) => a.url.href === b.url.href);
  environment
    .registerFunction("isIP(string): bool", (text: string) => isIP(text) !== 0 && !text.includes("%"))
    .registerFunction("ip(string): net.IP", parseIp)
    .registerFunction("string(net.IP): string", ({ text }: Ip) => text)
    .registerFunction("net.IP.family(): int", ({ text }: Ip) => ipFamily(text) === "IPv4" ? 4n : 6n)
    .registerFunction("net.IP.isUnspecified(): bool", ({ text }: Ip) => says(text, "unspecified"))
    .registerFunction("net.IP.isLoopback(): bool", ({ text }: Ip) => says(text, "loopback"))
    .registerFunction("net.IP.isLinkLocalMulticast(): bool", ({ text }: Ip) => says(text, "link-local multicast"))
    .registerFunction("net.IP.isLinkLocalUnicast(): bool", ({ text }: Ip) => says(text, "link-local range"))
    .registerFunction("net.IP.isGlobalUnicast(): bool", ({ text }: Ip) => routableAddress(text).length === 0 && !isMulticast(text))
    .registerOperator("net.IP == net.IP", (a: Ip, b: Ip) => same(a.text, b.text));
  environment
    .registerFunction("isCIDR(string): bool", (text: string) => cidrSyntax(text).length === 0)
    .registerFunction("cidr(string): net.CIDR", parseCidr)
    .registerFunction("string(net.CIDR): string", ({ address, bits }: Cidr) => `${address}/${bits}`)
    .registerFunction("net.CIDR.containsIP(string): bool", (cidr: Cidr, text: string) => inside(cidr, parseIp(text).text))
    .registerFunction("net.CIDR.containsIP(net.IP): bool", (cidr: Cidr, { text }: Ip) => inside(cidr, text))
    .registerFunction("net.CIDR.containsCIDR(string): bool", (outer: Cidr, text: string) => within(outer, parseCidr(text)))
    .registerFunction("net.CIDR.containsCIDR(net.CIDR): bool", (outer: Cidr, inner: Cidr) => within(outer, inner))
    .registerFunction("net.CIDR.ip(): net.IP", ({ address }: Cidr) => new Ip(address))
    .registerFunction("net.CIDR.prefixLength(): int", ({ bits }: Cidr) => BigInt(bits))
    .registerOperator("net.CIDR == net.CIDR", (a: Cidr, b: Cidr) => a.bits === b.bits && same(a.address, b.address));
}
const isMulticast = (text: string): boolean => text.includes(":") ? /^ff/i.test(text) : /^(22[4-9]|23\d)\./.test(text);
const same = (a: string, b: string): boolean => isIP(a) === isIP(b) && inside(new Cidr(`${a}/${isIP(a) === 4 ? 32 : 128}`), b);
