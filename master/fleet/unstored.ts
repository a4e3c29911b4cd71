// An object that lies in nobody's store, in the shape of one that does: what is made when somebody asks.
import { Buffer } from "node:buffer";
import { apiVersionOf, type Kind } from "../../shared/api/resource.ts";
import type { ObjectMeta } from "../../shared/api/meta.ts";
import type { Stored } from "../registry/registry.ts";

export class Unstored<T extends { readonly metadata?: ObjectMeta }> implements Stored<T> {
  readonly kind: Kind<T>;
  readonly uid = "";
  readonly revision = 1;
  readonly fields = {};
  readonly ownerUids = [];
  readonly deleting = false;
  readonly object: T;
  constructor(kind: Kind<T>, object: T) {
    this.kind = kind;
    this.object = object;
  }
  get namespace(): string {
    return this.object.metadata?.namespace ?? "";
  }
  get name(): string {
    return this.object.metadata?.name ?? "";
  }
  get labels(): Readonly<Record<string, string>> {
    return this.object.metadata?.labels ?? {};
  }
  bytes(): Uint8Array {
    return Buffer.from(JSON.stringify({ apiVersion: apiVersionOf(this.kind), kind: this.kind.kind, ...this.object }));
  }
}
