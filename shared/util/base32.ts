import { customRandom } from "nanoid";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** RFC 4648 base32, lower case, no padding: safe in topics, file names and for reading out over the phone. */
export function base32(bytes: Uint8Array): string {
  let text = "", bits = 0, held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
}

/** `length` characters with 5 random bits each. nanoid's own global source of chance is not used: a simulation must own it. */
export const randomBase32 = (length: number, randomBytes: (count: number) => Uint8Array): string =>
  customRandom(alphabet, length, randomBytes)();
