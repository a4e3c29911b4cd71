// Who is who: from the key of a certificate to the node, and whether that node still belongs to the fleet. Read from the cache, so it costs no I/O.
import { type Enrollment, enrollments } from "../../shared/api/kinds/enrollment.ts";
import { createHash } from "node:crypto";
import { knownCertificates } from "../../shared/limits.ts";
import type { Authority, Verified } from "../pki/authority.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import type { Identity } from "./connection.ts";

export const nodeUser = (nodeName: string): string => `system:node:${nodeName}`;
export const nodeGroup = "system:nodes";

export class Enrollments {
  readonly #cache: Cache;
  readonly #authority: Pick<Authority, "verify">;
  readonly #byKey = new Map<string, Stored<Enrollment>>();
  /** By SHA-256 of the certificate: a signature is checked once, though a fleet comes back often. */
  readonly #verified = new Map<string, Verified>();
  readonly #now: () => number;

  constructor(cache: Cache, authority: Pick<Authority, "verify">, now: () => number) {
    this.#cache = cache;
    this.#authority = authority;
    this.#now = now;
    for (const stored of cache.list(enrollments)) this.changed(undefined, stored);
  }

  /** To be told of every change of an Enrollment. */
  changed(before: Stored<Enrollment> | undefined, after: Stored<Enrollment> | undefined): void {
    for (const key of before?.object.spec.publicKeys ?? []) if (this.#byKey.get(key)?.uid === before!.uid) this.#byKey.delete(key);
    for (const key of after?.object.spec.publicKeys ?? []) this.#byKey.set(key, after!);
  }

  get(nodeId: string): Stored<Enrollment> | undefined {
    return this.#cache.get(enrollments, "", nodeId);
  }
  byKey(keyHash: string): Stored<Enrollment> | undefined {
    return this.#byKey.get(keyHash);
  }
  ofNode(nodeName: string): Stored<Enrollment> | undefined {
    for (const stored of this.#cache.byField(enrollments, "spec.nodeName", nodeName)) return stored;
    return undefined;
  }

  /** Signature first, then key → node, then dates. Undefined: nobody, or shut out. */
  identify(certificate: Uint8Array): Identity | undefined {
    const verified = this.#verify(certificate), stored = verified && this.#byKey.get(verified.keyHash);
    if (!stored || stored.object.spec.revoked) return undefined;
    const now = this.#now(), valid = verified.notBefore <= now && now <= verified.notAfter;
    return {
      nodeId: stored.name,
      nodeName: stored.object.spec.nodeName,
      standing: valid ? "full" : "renewal",
      keyHash: verified.keyHash,
    };
  }

  #verify(certificate: Uint8Array): Verified | undefined {
    const digest = createHash("sha256").update(certificate).digest("base64");
    let verified = this.#verified.get(digest);
    if (!verified) {
      verified = this.#authority.verify(certificate);
      if (!verified) return undefined; // forged ones take no room
      if (this.#verified.size >= knownCertificates) this.#verified.delete(this.#verified.keys().next().value!);
      this.#verified.set(digest, verified);
    }
    return verified;
  }

  /** Does a certificate that verifies belong to a node that was shut out, or never let in? Others' certificates are not judged here. */
  revoked({ keyHash, organizations }: { readonly keyHash: string; readonly organizations: readonly string[] }): boolean {
    if (!organizations.includes(nodeGroup)) return false;
    return this.#byKey.get(keyHash)?.object.spec.revoked ?? true;
  }
}
