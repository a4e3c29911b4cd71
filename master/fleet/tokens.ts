// Join tokens: who knows one may enrol a device. They lie in kube-system as Secrets of type bootstrap.kubernetes.io/token, with a hash in place of the secret,
// so that nobody who reads a backup can join.
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { bootstrapTokenType, type Secret, secrets } from "../../shared/api/kinds/secret.ts";
import { ApiError } from "../../shared/api/status.ts";
import { tokenUses } from "../../shared/limits.ts";
import { randomBase32 } from "../../shared/util/base32.ts";
import { formatToken, parseBearer } from "../../shared/wire/join.ts";
import { absent } from "../registry/errors.ts";
import type { Registry } from "../registry/registry.ts";

export const tokenNamespace = "kube-system";
const bootstrapper = "system:bootstrap:", bootstrappers = "system:bootstrappers";

export interface TokenWish {
  /** ms since 1970 after which it is worth nothing; undefined: never. */
  readonly expires?: number;
  /** How many devices may join with it, at most tokenUses; undefined: any number. */
  readonly uses?: number;
  /** Labels that Nodes get which join with it, over what they wish for. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly description?: string;
}
/** What is known of a token. Its secret is not. */
export interface TokenRecord extends TokenWish {
  readonly id: string;
  /** Beginnings of the hashes of the keys that have used it up so far; kept only where uses are counted. */
  readonly usedBy: readonly string[];
}
export interface BootstrapUser {
  readonly name: string;
  readonly groups: readonly string[];
}

const hashOf = (secret: string): string => createHash("sha256").update(`skerry join token ${secret}`).digest("hex");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const text = (value: string | undefined): string => Buffer.from(value ?? "", "base64").toString();
const nameOf = (id: string): string => `bootstrap-token-${id}`;
/** Hex digits of a key's hash that stand for it. */
const keyDigits = 32;

/** A new token, and the Secret that makes it count. Pure but for `randomBytes`: the command line makes tokens by itself and stores the Secret through the API. */
export function mintToken(
  { expires, uses, labels = {}, description = "" }: TokenWish,
  caHash: string,
  randomBytes: (count: number) => Uint8Array,
): { token: string; secret: Secret } {
  if (uses !== undefined && !(Number.isSafeInteger(uses) && uses >= 1 && uses <= tokenUses)) {
    throw new ApiError("BadRequest", `Cannot make a token for ${uses} uses: 1 to ${tokenUses} are possible, or no limit at all`);
  }
  const id = randomBase32(6, randomBytes), secret = randomBase32(26, randomBytes);
  const data: Record<string, string> = {
    "token-id": base64(id),
    "token-hash": base64(hashOf(secret)),
    "usage-bootstrap-authentication": base64("true"),
    ...(description && { description: base64(description) }),
    ...(expires !== undefined && { expiration: base64(new Date(expires).toISOString()) }),
    ...(uses !== undefined && { uses: base64(String(uses)) }),
    ...(Object.keys(labels).length > 0 && { labels: base64(JSON.stringify(labels)) }),
  };
  return {
    token: formatToken({ id, secret, caHash }),
    secret: { metadata: { name: nameOf(id), namespace: tokenNamespace }, type: bootstrapTokenType, data },
  };
}

/** @returns undefined for a Secret that is no token */
export function readToken({ type, data = {} }: Secret): TokenRecord | undefined {
  const id = text(data["token-id"]);
  if (type !== bootstrapTokenType || id === "" || data["token-hash"] === undefined) return undefined;
  const expiration = data.expiration === undefined ? undefined : Date.parse(text(data.expiration));
  const uses = data.uses === undefined ? undefined : Number(text(data.uses));
  return {
    id,
    usedBy: text(data["used-by"]).split(",").filter(Boolean),
    ...(expiration !== undefined && { expires: Number.isNaN(expiration) ? 0 : expiration }),
    ...(uses !== undefined && { uses: Number.isSafeInteger(uses) ? uses : 0 }),
    ...(data.labels && { labels: readLabels(text(data.labels)) }),
    ...(data.description && { description: text(data.description) }),
  };
}
function readLabels(source: string): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(source) as object).filter(([, value]) => typeof value === "string"));
  } catch {
    return {}; // a Secret written by hand: a token without labels
  }
}

export class Tokens {
  readonly #registry: Registry;
  readonly #caHash: string;
  readonly #now: () => number;
  readonly #randomBytes: (count: number) => Uint8Array;

  constructor(registry: Registry, caHash: string, now: () => number, randomBytes: (count: number) => Uint8Array) {
    this.#registry = registry;
    this.#caHash = caHash;
    this.#now = now;
    this.#randomBytes = randomBytes;
  }

  /** @returns the token: it is shown once and not kept */
  async create(wish: TokenWish = {}): Promise<string> {
    const { token, secret } = mintToken(wish, this.#caHash, this.#randomBytes);
    await this.#registry.create(secrets, secret);
    return token;
  }
  async list(): Promise<TokenRecord[]> {
    const { items } = await this.#registry.list(secrets, { namespace: tokenNamespace });
    return items.flatMap(({ object }) => readToken(object) ?? []);
  }
  /** @throws ApiError NotFound */
  async revoke(id: string): Promise<void> {
    await this.#registry.delete(secrets, { namespace: tokenNamespace, name: nameOf(id) });
  }

  /** Who holds `<id>.<secret>`, as a user of the API; undefined: nobody. */
  async authenticate(bearer: string): Promise<BootstrapUser | undefined> {
    const record = await this.#known(bearer);
    return record && !this.#expired(record)
      ? { name: bootstrapper + record.id, groups: [bootstrappers, `${bootstrappers}:skerry`] }
      : undefined;
  }

  /** The record behind a bearer whose secret is right, expired or not. */
  async #known(bearer: string): Promise<TokenRecord | undefined> {
    const parsed = parseBearer(bearer);
    if (!parsed) return undefined;
    const secret = await this.#registry.get(secrets, { namespace: tokenNamespace, name: nameOf(parsed.id) }).catch(absent);
    const record = secret && readToken(secret.object);
    if (!record || !sameText(text(secret.object.data!["token-hash"]), hashOf(parsed.secret))) return undefined;
    return record;
  }
  #expired({ expires }: TokenRecord): boolean {
    return expires !== undefined && this.#now() >= expires;
  }

  /**
   * Lets the device with this key use the token: once, however often it asks. `again`: the key has its enrolment already.
   * @throws ApiError Unauthorized saying what is wrong with the token
   */
  async use(bearer: string, keyHash: string, again: boolean): Promise<TokenRecord> {
    const record = await this.#known(bearer);
    if (!record) throw refuse("it is not known here, or was revoked");
    if (again) return record;
    if (this.#expired(record)) throw refuse(`it has expired at ${new Date(record.expires!).toISOString()}`);
    if (record.uses === undefined) return record;
    const key = keyHash.slice(0, keyDigits);
    if (record.usedBy.includes(key)) return record;
    let usedUp = false;
    await this.#registry.modify(secrets, { namespace: tokenNamespace, name: nameOf(record.id) }, (secret) => {
      const { usedBy = [], uses = 0 } = readToken(secret) ?? {};
      usedUp = !usedBy.includes(key) && usedBy.length >= uses;
      if (usedUp || usedBy.includes(key)) return undefined;
      return { ...secret, data: { ...secret.data, "used-by": base64([...usedBy, key].join()) } };
    });
    if (usedUp) throw refuse(`all its ${record.uses} uses are used up`);
    return record;
  }
}

const refuse = (why: string): ApiError =>
  new ApiError("Unauthorized", `Cannot join with this token: ${why}. Ask for a new one (skerry-master token create)`);
const sameText = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
