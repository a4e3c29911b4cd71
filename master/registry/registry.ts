// Makes the registry (its methods and promises: face.ts) over a store.
import type { Kind } from "../../shared/api/resource.ts";
import { notFound } from "../../shared/api/status.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Store } from "../store/store.ts";
import { decode, keyOf } from "./codec.ts";
import { translated } from "./errors.ts";
import type { Registry } from "./face.ts";
import type { Draft } from "./lifecycle.ts";
import { listObjects } from "./list.ts";
import { defaultServiceConfig, type ServiceConfig, ServiceIps } from "./service_ips.ts";
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

export function createRegistry({ store, clock, random, kinds }: RegistryNeeds, config: ServiceConfig = defaultServiceConfig): Registry {
  const writer = new Writer({ store, clock, random, serviceIps: new ServiceIps(store, random, config) }, kinds);
  const recent = new Recent();
  // Inside, an object is an object; the caller's Kind<T> says which. These casts are the only ones.
  const plain = <T>(kind: Kind<T>) => kind as unknown as Kind;
  const draft = <T>(object: T) => object as unknown as Draft;
  const typed = <R>(result: unknown) => result as R;
  return {
    create: (kind, object, how = {}) => typed(writer.create(plain(kind), draft(object), how)),
    async get(kind, { namespace = "", name }, options = {}) {
      const { item } = await translated(store.get(keyOf(kind, namespace, name), options));
      if (!item) throw notFound(kind, name);
      return decode(kind, item);
    },
    list: (kind, query = {}) => typed(listObjects(store, plain(kind), query)),
    // async: what they find wrong before their first await is a rejection too
    update: async (kind, object, how = {}) => typed(await writer.update(plain(kind), draft(object), how)),
    modify: (kind, key, change, how = {}) => typed(writer.modify(plain(kind), key, change as never, how)),
    delete: (kind, key, options = {}, how = {}) => typed(writer.delete(plain(kind), key, options, how)),
    watch: (kind, query, signal) => typed(watchObjects(store, recent, plain(kind), query, signal)),
    revision: () => store.status().revision,
  };
}
