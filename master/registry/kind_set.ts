// The kinds there are: those of the house, which stay, and those that come and go with CustomResourceDefinitions. Everybody who asks which kinds there are asks
// here, each time anew. The cache keeps it: so every member has the kinds of the state that it has applied.
import type { Kind } from "../../shared/api/resource.ts";
import type { DefinedKinds } from "../../shared/api/custom/kinds_of.ts";
import { byVersionPriority } from "../../shared/api/names.ts";
import { resourceOf } from "./codec.ts";

export class KindSet {
  readonly #fixed: readonly Kind[];
  readonly #defined = new Map<string, DefinedKinds>();
  readonly #observers = new Set<() => void>();
  #served: readonly Kind[] = [];
  #stored: ReadonlyMap<string, Kind> = new Map();
  #byPath: ReadonlyMap<string, Kind> = new Map();

  constructor(fixed: readonly Kind[]) {
    this.#fixed = fixed;
    this.#renew();
  }
  /** In discovery order. Another array whenever something about it has changed: what is made of it can be kept beside it. */
  get served(): readonly Kind[] {
    return this.#served;
  }
  /** Kinds whose objects lie in the store, each once, whatever forms it is served in. */
  get stored(): Iterable<Kind> {
    return this.#stored.values();
  }
  /** The kind behind a path such as /apis/apps/v1/…/deployments; group "" is core. */
  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }
  /** @param resource as the codec's keys have it */
  storedAs(resource: string): Kind | undefined {
    return this.#stored.get(resource);
  }
  definedBy(definition: string): DefinedKinds | undefined {
    return this.#defined.get(definition);
  }
  get definitions(): Iterable<string> {
    return this.#defined.keys();
  }
  /** Is it still served, and unchanged? */
  serves(kind: Kind): boolean {
    return this.find(kind.group, kind.version, kind.plural) === kind;
  }
  /** Many at once cost no more than one. Undefined takes a definition away. */
  define(changes: Iterable<readonly [definition: string, kinds: DefinedKinds | undefined]>): void {
    let changed = false;
    for (const [name, kinds] of changes) {
      if (kinds) this.#defined.set(name, kinds);
      else if (!this.#defined.delete(name)) continue;
      changed = true;
    }
    if (!changed) return;
    this.#renew();
    for (const observer of this.#observers) observer();
  }
  subscribe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  #renew(): void {
    const defined = [...this.#defined.values()];
    this.#served = [...this.#fixed, ...defined.flatMap(({ served }) => served).sort(inOrder)];
    this.#byPath = new Map(this.#served.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));
    const fixed = this.#fixed.filter(({ view, stored }) => !view && stored !== false);
    this.#stored = new Map([...fixed, ...defined.map(({ stored }) => stored)].map((kind) => [resourceOf(kind), kind]));
  }
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;
const inOrder = (a: Kind, b: Kind): number =>
  compare(a.group, b.group) || byVersionPriority(a.version, b.version) || compare(a.plural, b.plural);
