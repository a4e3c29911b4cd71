// Names and uids that the server makes, from randomness that is handed in.
import { Buffer } from "node:buffer";
import type { Random } from "../../shared/util/clock.ts";

/** Without vowels and look-alikes, so that no word and no misreading comes out (apimachinery's rand.String). */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const suffixCharacters = 5;
/** A generated name is at most 63 characters, to be a label too. */
const prefixCharacters = 63 - suffixCharacters;

export function generateName(prefix: string, random: Random): string {
  let name = prefix.slice(0, prefixCharacters);
  for (let i = 0; i < suffixCharacters; i++) name += alphabet[Math.floor(random() * alphabet.length)];
  return name;
}

/** UUID version 4 (RFC 9562 §5.4). */
export function newUid(random: Random): string {
  const bytes = Buffer.allocUnsafe(16);
  for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(Math.floor(random() * 2 ** 32), at);
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
