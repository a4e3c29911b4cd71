// The syntaxes of addresses and networks, with Kubernetes' words for what is wrong.
import { BlockList, isIP } from "node:net";
import type { Syntax } from "./names.ts";

export const ipAddress: Syntax = (text) => isIP(text) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];

export const cidr: Syntax = (text) => {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [], family = isIP(address);
  const fits = family !== 0 && (bits === "0" || !bits.startsWith("0")) && Number(bits) <= (family === 4 ? 32 : 128);
  return fits ? [] : ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];
};

/** Is the first network a part of the second, and not all of it? Both are valid. */
export function networkWithin(part: string, network: string): boolean {
  const [inner = "", innerBits = ""] = part.split("/"), [outer = "", outerBits = ""] = network.split("/");
  const family = isIP(outer) === 4 ? "ipv4" : "ipv6", whole = new BlockList();
  if (isIP(inner) !== isIP(outer) || Number(innerBits) <= Number(outerBits)) return false;
  whole.addSubnet(outer, Number(outerBits), family);
  return whole.check(inner, family);
}

/** An address that means the same machine to everybody: where traffic can be sent. */
export const routableAddress: Syntax = (text) => {
  const broken = ipAddress(text);
  if (broken.length > 0) return broken;
  const [a = 0, b = 0, c = 0] = text.split(".").map(Number), four = !text.includes(":"), six = text.toLowerCase();
  if (four ? text === "0.0.0.0" : /^[0:]+$/.test(six)) return ["may not be unspecified (0.0.0.0 or ::)"];
  if (four ? a === 127 : /^(0*:)+0*1$/.test(six)) return ["may not be in the loopback range (127.0.0.0/8, ::1/128)"];
  if (four ? a === 169 && b === 254 : /^fe[89ab].:/.test(six)) return ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"];
  if (four ? a === 224 && b === 0 && c === 0 : /^ff02:/.test(six)) {
    return ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"];
  }
  return [];
};

export const ipFamily = (address: string): "IPv4" | "IPv6" => address.includes(":") ? "IPv6" : "IPv4";
