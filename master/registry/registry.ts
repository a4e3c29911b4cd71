// Makes the registry (its methods and promises: face.ts) over a store.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { notFound } from "../../shared/api/status.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Store } from "../store/store.ts";
import { decode, keyOf } from "./codec.ts";
import { translated } from "./errors.ts";
import type { ListQuery, Mine, Page, Registry, Stored, WatchEvent } from "./face.ts";
import type { Draft } from "./lifecycle.ts";
import { listObjects } from "./list.ts";
import { OnceWriter } from "./once.ts";
import { defaultServiceConfig, type ServiceConfig, ServiceIps } from "./service_ips.ts";
import { Viewed } from "./viewed.ts";
import { Recent, watchObjects } from "./watch.ts";
import { Writer } from "./write.ts";

export type * from "./face.ts";

export interface RegistryNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly kinds: readonly Kind[];
}

export function createRegistry({ store, clock, random }: RegistryNeeds, config: ServiceConfig = defaultServiceConfig): Registry {
  const writer = new OnceWriter(new Writer({ store, clock, random, serviceIps: new ServiceIps(store, random, config) }), store, clock);
  const recent = new Recent();
  // Inside, an object is an object; the caller's Kind<T> says which. These casts are the only ones.
  const draft = <T>({ view }: Kind<T>, object: T) => (view ? view.write(object) : object) as unknown as Draft;
  const plain = <T>(kind: Kind<T>) => kind as unknown as Kind;
  /** Writes are those of the kind that is stored; the answer is of the kind that was asked for. */
  const storage = <T>(kind: Kind<T>) => kind.view?.of ?? plain(kind);
  const seen = <T>(kind: Kind<T>, stored: Stored) =>
    (kind.view ? new Viewed(kind, kind.view, stored as Mine<KubernetesObject>) : stored) as Stored<T>;
  return {
    async create(kind, object, how = {}) {
      return seen(kind, await writer.create(storage(kind), draft(kind, object), how));
    },
    async get(kind, { namespace = "", name }, options = {}) {
      const { item } = await translated(store.get(keyOf(kind, namespace, name), options));
      if (!item) throw notFound(kind, name);
      return decode(kind, item);
    },
    list: <T>(kind: Kind<T>, query: ListQuery = {}) => listObjects(store, plain(kind), query) as Promise<Page<unknown>> as Promise<Page<T>>,
    async update(kind, object, how = {}) {
      return seen(kind, await writer.update(storage(kind), draft(kind, object), how));
    },
    async modify(kind, key, change, how = {}) {
      const { view } = kind;
      const changed = (copy: Draft) => {
        const shown = (view ? view.read(copy) : copy) as never;
        return draft(kind, change(shown) ?? shown);
      };
      return seen(kind, await writer.modify(storage(kind), key, changed, how));
    },
    async delete(kind, key, options = {}, how = {}) {
      const { stored, gone } = await writer.delete(storage(kind), key, options, how);
      return { stored: seen(kind, stored), gone };
    },
    watch: <T>(kind: Kind<T>, query: Parameters<Registry["watch"]>[1], signal: AbortSignal) =>
      watchObjects(store, recent, plain(kind), query, signal) as AsyncIterable<unknown> as AsyncIterable<readonly WatchEvent<T>[]>,
    revision: () => store.status().revision,
  };
}
