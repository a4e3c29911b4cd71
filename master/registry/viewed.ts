// A stored object in another form of its kind, such as a v1 Event as events.k8s.io/v1: made of the stored one when somebody looks.
import { Buffer } from "node:buffer";
import type { Kind, KubernetesObject, View } from "../../shared/api/resource.ts";
import type { Mine, Stored } from "./face.ts";

export class Viewed<T> implements Stored<T> {
  readonly kind: Kind<T>;
  readonly #view: View<T>;
  readonly #stored: Mine<KubernetesObject>;
  #object: T | undefined;
  #fields: Record<string, string> | undefined;
  #bytes: Uint8Array | undefined;

  constructor(kind: Kind<T>, view: View<T>, stored: Mine<KubernetesObject>) {
    this.kind = kind;
    this.#view = view;
    this.#stored = stored;
  }
  get namespace(): string {
    return this.#stored.namespace;
  }
  get name(): string {
    return this.#stored.name;
  }
  get uid(): string {
    return this.#stored.uid;
  }
  get revision(): number {
    return this.#stored.revision;
  }
  get labels(): Readonly<Record<string, string>> {
    return this.#stored.labels;
  }
  /** The view may call its fields otherwise than the stored kind, whose header has only its own. */
  get fields(): Readonly<Record<string, string>> {
    return this.#fields ??= Object.fromEntries(
      Object.entries(this.kind.selectable ?? {}).map(([field, select]) => [field, select(this.object)]),
    );
  }
  get ownerUids(): readonly string[] {
    return this.#stored.ownerUids;
  }
  get deleting(): boolean {
    return this.#stored.deleting;
  }
  get object(): T {
    return this.#object ??= this.#view.read(this.#stored.object);
  }
  get value(): Uint8Array {
    return this.#stored.value;
  }
  copy(): T {
    return this.#view.read(this.#stored.copy());
  }
  bytes(): Uint8Array {
    return this.#bytes ??= Buffer.from(JSON.stringify(this.object));
  }
}
