// What the steps of admission look at: one change of one object, and whom they can ask about the rest of the world.
import type { IngressClass } from "../../shared/api/kinds/ingress_class.ts";
import type { LimitRange } from "../../shared/api/kinds/limit_range.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { PriorityClass } from "../../shared/api/kinds/priority_class.ts";
import type { StorageClass } from "../../shared/api/kinds/storage_class.ts";
import type { ServiceAccount } from "../../shared/api/kinds/service_account.ts";
import type { Webhook, WebhookClientConfig } from "../../shared/api/kinds/webhook_configuration.ts";
import type { Kind } from "../../shared/api/resource.ts";
import type { ApiError } from "../../shared/api/status.ts";
import type { Author } from "./face.ts";
import type { Draft } from "./lifecycle.ts";

export interface AdmissionContext {
  /** As in WriteOptions. */
  readonly subresource?: string | undefined;
  /** Who asks; undefined: the system itself. */
  readonly user?: Author | undefined;
  /** For managedFields. `operation`: "Apply" where what becomes of them is known already. Absent: nobody keeps them. */
  readonly writer?: { readonly manager: string; readonly operation: "Apply" | "Update"; readonly time: string } | undefined;
  /** State of the namespace it is created in. */
  readonly namespace?: "absent" | "active" | "terminating" | undefined;
  /** The writer's own last word on the object that would be stored: what they may not give to others. */
  readonly vet?: ((change: Change) => ApiError | undefined) | undefined;
  readonly dryRun?: boolean | undefined;
  /** Tells the client something that is no error. Absent: nobody listens. */
  readonly warn?: ((words: string) => void) | undefined;
  readonly world: World;
}
/** Other objects that a step must know. Read where it needs them, and as this member knows them: what must be exact stands in the transaction. */
export interface World {
  /** Undefined: there is no such namespace. */
  namespaceLabels(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** At most so many of them. */
  pods(namespace: string, most: number): Promise<readonly Pod[]>;
  /** How many CustomResourceDefinitions there are. */
  definitions(): Promise<number>;
  /** In the order in which they are asked. */
  webhooks(): Promise<readonly Hook[]>;
  newUid(): string;
  /** Milliseconds, for deadlines. */
  monotonic(): number;
  /** What it answers. @throws Error that says what has gone wrong */
  callWebhook(client: WebhookClientConfig, question: object, within: { timeoutMs: number; timeoutSeconds: number }): Promise<string>;
  limitRanges(namespace: string): Promise<readonly LimitRange[]>;
  priorityClasses(): Promise<readonly PriorityClass[]>;
  storageClasses(): Promise<readonly StorageClass[]>;
  ingressClasses(): Promise<readonly IngressClass[]>;
  /** Of "default", which every namespace gets, a new namespace's may be a moment away: it is waited for. */
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
}
export interface Hook {
  readonly type: "mutating" | "validating";
  readonly webhook: Webhook;
}
export interface Change {
  readonly kind: Kind;
  object: Draft;
  /** Undefined: it is being created. */
  readonly old: Draft | undefined;
  readonly context: AdmissionContext;
  /** It is to go: `object` is what there is. */
  readonly deleting?: boolean;
}
/** An error refuses. */
export type Step = (change: Change) => ApiError | undefined | Promise<ApiError | undefined>;
