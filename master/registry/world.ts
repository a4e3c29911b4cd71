// The rest of the world, as admission asks about it: read from this member's own state, parsed once for each version of an object.
import { type IngressClass, ingressClasses } from "../../shared/api/kinds/ingress_class.ts";
import { customResourceDefinitions } from "../../shared/api/kinds/custom_resource_definition.ts";
import { type LimitRange, limitRanges } from "../../shared/api/kinds/limit_range.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { type PriorityClass, priorityClasses } from "../../shared/api/kinds/priority_class.ts";
import { type StorageClass, storageClasses } from "../../shared/api/kinds/storage_class.ts";
import { type ServiceAccount, serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { defaultAccountLooks, defaultAccountPollMs } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Store } from "../store/store.ts";
import type { World } from "./change.ts";
import { decode, keyOf, prefixOf } from "./codec.ts";
import { translated } from "./errors.ts";

export class StoredWorld implements World {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }
  async namespaceLabels(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const { item } = await translated(this.#store.get(keyOf(namespaces, "", name), { serializable: true }));
    return item && decode(namespaces, item).labels;
  }
  pods(namespace: string, most: number): Promise<readonly Pod[]> {
    return this.#list(pods, namespace, most);
  }
  async definitions(): Promise<number> {
    const { items, remaining } = await translated(this.#store.list(prefixOf(customResourceDefinitions), { limit: 1, serializable: true }));
    return items.length + remaining;
  }
  limitRanges(namespace: string): Promise<readonly LimitRange[]> {
    return this.#list(limitRanges, namespace);
  }
  priorityClasses(): Promise<readonly PriorityClass[]> {
    return this.#list(priorityClasses);
  }
  storageClasses(): Promise<readonly StorageClass[]> {
    return this.#list(storageClasses);
  }
  ingressClasses(): Promise<readonly IngressClass[]> {
    return this.#list(ingressClasses);
  }
  async serviceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined> {
    for (let look = 1;; look++) {
      const { item } = await translated(this.#store.get(keyOf(serviceAccounts, namespace, name), { serializable: look === 1 }));
      if (item) return decode(serviceAccounts, item).object;
      if (look >= (name === "default" ? defaultAccountLooks : 2)) return undefined;
      if (name === "default") await sleep(this.#clock, defaultAccountPollMs);
    }
  }

  async #list<T>(kind: Kind<T>, namespace?: string, most?: number): Promise<readonly T[]> {
    const how = { serializable: true, ...(most !== undefined && { limit: most }) };
    const { items } = await translated(this.#store.list(prefixOf(kind, namespace), how));
    return items.map((item) => decode(kind, item).object);
  }
}
