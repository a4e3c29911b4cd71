// Tokens of ServiceAccounts for the pods of a node, as members of its set.
//
// Nobody asks for them and nobody writes them down: which token a pod should have follows from its creation, its uid and the time, so every master renders the same
// set, and an idle fleet writes nothing. When the next one is due the node's set is another, and the node hears of it as of any change; its files swing over, and no
// container notices. Who is cut off keeps what it has, which is on its flash, and gets the newest when it is back.
//
// A device may be cut off for a month, and often nobody in a pod reads the token at all. So the usual token, which every pod has (for the API server, 3607 s), lives
// a year, as upstream's does, and a new one comes once a day: 2 KB a pod and day, where one an hour would cost a metered link more than everything else.
// What makes that safe is not its age: each time it is shown, the API server looks whether the pod and the account are still there. Other tokens, for whoever
// checks them alone, live exactly as long as the pod asked for and are renewed at 80 % of it, once a day at most; a device that is cut off for longer has an old one,
// and its pods start all the same. A device needs no clock for any of this: it is the master that knows when a token is due.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import { type TokenWish, tokenWishes } from "../../shared/api/kinds/pod/references.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { usualTokenSeconds } from "../../shared/api/kinds/token_request.ts";
import { secretHash, type SetObject } from "../../shared/wire/desired.ts";
import { podTokenKey, podTokenNamespace, podTokenUid } from "../../shared/wire/pod_token.ts";
import { apiAudience, type Grant } from "../identity/claims.ts";
import { extendedSeconds } from "../identity/request.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";

export interface Issuer {
  issue(grant: Grant): string;
  /** Of the key that signs now: with another one, all tokens are new. */
  readonly keyId: string;
}

const dayMs = 24 * 3600 * 1000;
/** Shares of a token's life: when it is renewed at the latest, and by how much sooner some are, so that what was born together does not come back together. */
const renewedAt = 0.8, spread = 0.1;

export interface Turn {
  /** The how-manyth token of this pod and wish, from 0. */
  readonly number: number;
  /** ms since 1970: when this one began, and when the next one is due. */
  readonly fromMs: number;
  readonly dueMs: number;
}
/** Pure. @param bornMs when the pod was created @param key makes the period this pod's own */
export function turnAt(now: number, bornMs: number, seconds: number, key: string): Turn {
  const part = createHash("sha256").update(key).digest().readUInt16BE(0) / 0x10000;
  const periodMs = Math.floor(Math.min(dayMs, seconds * 1000 * renewedAt) * (1 - spread * part));
  const number = Math.max(0, Math.floor((now - bornMs) / periodMs)), fromMs = bornMs + number * periodMs;
  return { number, fromMs, dueMs: fromMs + periodMs };
}

const isUsual = ({ audience, expirationSeconds }: TokenWish): boolean =>
  (!audience || audience === apiAudience) && expirationSeconds === usualTokenSeconds;

export class PodTokens {
  readonly #cache: Cache;
  readonly #issuer: Issuer;

  constructor(cache: Cache, issuer: Issuer) {
    this.#cache = cache;
    this.#issuer = issuer;
  }

  /** Each with the time (ms since 1970) at which it will be another. Without an account there is nobody to speak for: none. */
  *of(
    pod: Stored<Pod>,
    node: { readonly name: string; readonly uid: string },
    now: number,
  ): Iterable<{ readonly object: SetObject; readonly dueMs: number }> {
    const { spec, metadata } = pod.object, wishes = spec ? tokenWishes(spec) : [];
    if (wishes.length === 0) return;
    const account = this.#cache.get(serviceAccounts, pod.namespace, spec!.serviceAccountName ?? "default");
    if (!account || account.deleting) return;
    for (const wish of wishes) {
      const { audience, expirationSeconds = 3600 } = wish, usual = isUsual(wish), uid = podTokenUid(pod.uid, wish);
      const turn = turnAt(now, Date.parse(metadata?.creationTimestamp ?? "") || 0, usual ? extendedSeconds : expirationSeconds, uid);
      const issuedAt = Math.floor(turn.fromMs / 1000), version = `${account.uid} ${turn.number} ${this.#issuer.keyId}`;
      const make = (): string => {
        const token = this.#issuer.issue({
          account: { namespace: pod.namespace, name: account.name, uid: account.uid },
          audiences: [audience || apiAudience],
          bound: { pod: { name: pod.name, uid: pod.uid }, node: { name: node.name, uid: node.uid } },
          issuedAt,
          expiresAt: issuedAt + (usual ? extendedSeconds : expirationSeconds),
          // Whoever shows it after that has not read its file again since the next one came.
          ...(usual && { warnAfter: Math.ceil(turn.dueMs / 1000) + usualTokenSeconds }),
          id: uuidOf(`${uid} ${version}`),
        });
        return JSON.stringify({
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: uid, namespace: podTokenNamespace, uid },
          data: { [podTokenKey]: Buffer.from(token).toString("base64") },
        });
      };
      yield { object: new LateObject(uid, secretHash(uid, version), make), dueMs: turn.dueMs };
    }
  }
}

/** Its body costs a signature, and is asked for only if it is sent: a fleet that comes back as it was costs none. */
class LateObject implements SetObject {
  readonly uid: string;
  readonly hash: string;
  readonly sizeBytes = 1700;
  readonly #make: () => string;
  #body: string | undefined;
  constructor(uid: string, hash: string, make: () => string) {
    this.uid = uid;
    this.hash = hash;
    this.#make = make;
  }
  get body(): string {
    return this.#body ??= this.#make();
  }
}

/** The same for the same text (RFC 9562 §5.8), so that all masters give one token one id. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x80;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
