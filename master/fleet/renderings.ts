// The sets one node was given lately: the newest whole, and of those before what has changed since. So a delta from any of them costs what it says, and
// remembering eight sets costs hardly more than one.
import { rememberedRenderings } from "../../shared/limits.ts";
import { setHash, type SetObject } from "../../shared/wire/desired.ts";
import type { SetOperation } from "../../shared/wire/messages.ts";

export interface Rendering {
  /** The store revision at which it was first so. */
  readonly gen: number;
  readonly hash: string;
  readonly objects: ReadonlyMap<string, SetObject>;
  /** Bytes of all bodies. */
  readonly size: number;
}
export interface Delta {
  readonly operations: readonly SetOperation[];
  readonly size: number;
}

export class Renderings {
  #newest: Rendering | undefined;
  /** Earlier sets, oldest first, each with the uids that differ in the next. */
  readonly #earlier: { readonly gen: number; readonly hash: string; readonly touched: readonly string[] }[] = [];

  get newest(): Rendering | undefined {
    return this.#newest;
  }
  /** @returns the newest set: the one before, if nothing has changed */
  add(gen: number, objects: ReadonlyMap<string, SetObject>): Rendering {
    const before = this.#newest, touched: string[] = [];
    let size = 0;
    for (const [uid, object] of objects) {
      size += object.sizeBytes ?? object.body.length;
      if (before?.objects.get(uid)?.hash !== object.hash) touched.push(uid);
    }
    for (const uid of before?.objects.keys() ?? []) if (!objects.has(uid)) touched.push(uid);
    if (before && touched.length === 0) return before;
    if (before) {
      this.#earlier.push({ gen: before.gen, hash: before.hash, touched });
      if (this.#earlier.length > rememberedRenderings) this.#earlier.shift();
    }
    return this.#newest = { gen, hash: setHash(objects.values()), objects, size };
  }

  /** The gens from which a delta can be had. */
  get bases(): number[] {
    return this.#earlier.map(({ gen }) => gen);
  }
  /** What turns the set with this hash into the newest; undefined if it is not remembered. */
  deltaFrom(hash: string): Delta | undefined {
    const newest = this.#newest, at = this.#earlier.findLastIndex((earlier) => earlier.hash === hash);
    if (!newest) return undefined;
    if (newest.hash === hash) return { operations: [], size: 0 };
    if (at < 0) return undefined;
    const touched = new Set(this.#earlier.slice(at).flatMap((step) => step.touched));
    const operations = [...touched].map((uid) => operation(uid, newest.objects.get(uid)));
    const size = operations.reduce((sum, each) => sum + each.uid.length + (each.op === "set" ? each.body.length : 0), 0);
    return { operations, size };
  }
  all(): SetOperation[] {
    return [...this.#newest?.objects.values() ?? []].map((object) => operation(object.uid, object));
  }
}

const operation = (uid: string, object: SetObject | undefined): SetOperation =>
  object ? { op: "set", uid, hash: object.hash, body: object.body } : { op: "del", uid };
