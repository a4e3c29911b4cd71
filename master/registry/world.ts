// The rest of the world, as admission asks about it: read from this member's own state, parsed once for each version of an object.
import { type IngressClass, ingressClasses } from "../../shared/api/kinds/ingress_class.ts";
import { customResourceDefinitions } from "../../shared/api/kinds/custom_resource_definition.ts";
import { endpointSlices } from "../../shared/api/kinds/endpoint_slice.ts";
import { type LimitRange, limitRanges } from "../../shared/api/kinds/limit_range.ts";
import { namespaces } from "../../shared/api/kinds/namespace.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { type PriorityClass, priorityClasses } from "../../shared/api/kinds/priority_class.ts";
import { type StorageClass, storageClasses } from "../../shared/api/kinds/storage_class.ts";
import { type ServiceAccount, serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { services } from "../../shared/api/kinds/service.ts";
import {
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  type Webhook,
} from "../../shared/api/kinds/webhook_configuration.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { defaultAccountLooks, defaultAccountPollMs } from "../../shared/limits.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import type { Store } from "../store/store.ts";
import type { Hook, World } from "./change.ts";
import { decode, keyOf, objectsPrefix, prefixOf } from "./codec.ts";
import { translated } from "./errors.ts";
import { newUid } from "./identity.ts";
import { type Address, WebhookCaller } from "./webhooks/call.ts";

/** Both kinds of configurations, by name: nobody asks for anything else of this group. */
const webhookPrefix = `${objectsPrefix}${mutatingWebhookConfigurations.group}/`;

export class StoredWorld implements World {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #caller: WebhookCaller;

  constructor({ store, clock, random }: { store: Store; clock: Clock; random: Random }) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
    this.#caller = new WebhookCaller(clock, (service) => this.#resolve(service));
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
  async webhooks(): Promise<readonly Hook[]> {
    const { items } = await translated(this.#store.list(webhookPrefix, { serializable: true }));
    const hooks = (type: Hook["type"], kind: Pick<Kind, "group" | "plural">): Hook[] =>
      items.filter(({ key }) => key.startsWith(prefixOf(kind))).flatMap((item) => {
        const { webhooks = [] } = decode(kind as Kind, item).object as { webhooks?: readonly Webhook[] };
        return webhooks.map((webhook) => ({ type, webhook }));
      });
    if (items.length === 0) return [];
    return [...hooks("mutating", mutatingWebhookConfigurations), ...hooks("validating", validatingWebhookConfigurations)];
  }
  newUid(): string {
    return newUid(this.#random);
  }
  monotonic(): number {
    return this.#clock.monotonic();
  }
  callWebhook(...call: Parameters<World["callWebhook"]>): Promise<string> {
    return this.#caller.call(...call);
  }
  /** Any endpoint that is ready. The master must have a way to it: into the network of pods there is one where it is a node, too. */
  async #resolve({ namespace, name, port }: { namespace: string; name: string; port: number }): Promise<Address> {
    const { item } = await translated(this.#store.get(keyOf(services, namespace, name), { serializable: true }));
    if (!item) throw new Error(`service ${JSON.stringify(name)} not found`);
    const { spec: { type, externalName, ports = [] } = {} } = decode(services, item).object;
    if (type === "ExternalName") return { host: externalName!, port };
    const found = ports.find((one) => one.port === port);
    if (!found) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
    const slices = (await this.#list(endpointSlices, namespace)).filter(({ metadata }) =>
      metadata?.labels?.["kubernetes.io/service-name"] === name
    );
    for (const { endpoints = [], ports = [] } of slices) {
      const ready = endpoints.find(({ conditions }) => conditions?.ready !== false),
        target = ports.find((one) => (one.name ?? "") === (found.name ?? ""));
      if (ready && target?.port) return { host: ready.addresses[0]!, port: target.port };
    }
    throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
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
