// Bodies of puts and stored sets: one byte says how what follows is encoded. 0: as it is. 1: deflate-raw.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { compressFromBytes, inflatedBytes } from "../limits.ts";

export const codecs = ["json", "deflate-raw"] as const;

export class CodecError extends Error {
  override name = "CodecError";
}

/** Deflates only where that helps. */
export function encode(bytes: Uint8Array, accepted: readonly string[]): Uint8Array {
  if (bytes.length >= compressFromBytes && accepted.includes("deflate-raw")) {
    const deflated = deflateRawSync(bytes);
    if (deflated.length < bytes.length) return framed(1, deflated);
  }
  return framed(0, bytes);
}

/** @throws CodecError for an unknown codec, broken data, and what would inflate beyond `maxBytes` (it is not inflated to find out) */
export function decode(bytes: Uint8Array, maxBytes = inflatedBytes): Uint8Array {
  const body = bytes.subarray(1);
  if (bytes[0] === 0) return body;
  if (bytes[0] !== 1) throw new CodecError(`Cannot decode a body: codec ${bytes[0]} is not known`);
  try {
    return inflateRawSync(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw new CodecError("Cannot inflate a body: it is broken or too large", { cause });
  }
}

function framed(codec: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(body.length + 1);
  out[0] = codec;
  out.set(body, 1);
  return out;
}
