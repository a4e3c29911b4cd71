// A request with an Idempotency-Key: two with the same key must be the same in method, path, query and body.
import { createHash, type Hash } from "node:crypto";
import { badRequest } from "../../shared/api/status.ts";
import { idempotencyKeyCharacters } from "../../shared/limits.ts";
import type { Once } from "../registry/registry.ts";

export class OnceRequest implements Once {
  readonly key: string;
  readonly #hash: Hash;

  /** @throws ApiError BadRequest */
  constructor(key: string, method: string, { pathname, search }: URL) {
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > idempotencyKeyCharacters) {
      throw badRequest(`Idempotency-Key must be 1 to ${idempotencyKeyCharacters} printable characters without spaces`);
    }
    this.key = key;
    this.#hash = createHash("sha256").update(`${method} ${pathname}${search}\0`);
  }
  /** The body, once it is read. */
  body(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }
  request(): string {
    return this.#hash.copy().digest("base64url");
  }
}
