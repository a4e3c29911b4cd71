// What stands between a request and the store: one ordered list, read from top to bottom. Each step sees the whole change, may alter its object (a copy of
// our own), and may refuse. What a step must know about other objects it asks the context's world; what it decides is a pure function of both.
import { decode } from "../../shared/api/decode.ts";
import { type Kind, qualified } from "../../shared/api/resource.ts";
import { type ApiError, badRequest, forbiddenObject, invalidObject, notFound } from "../../shared/api/status.ts";
import type { AdmissionContext, Change, Step } from "./change.ts";
import type { Draft } from "./lifecycle.ts";
import { checkMetadata } from "./metadata.ts";
import { trackUpdate } from "./ownership/track.ts";
import { defaultIngressClass, defaultStorageClass } from "./policies/default_class.ts";
import { fewDefinitions } from "./policies/definitions.ts";
import { limitRangeBounds, limitRangeDefaults } from "./policies/limit_range.ts";
import { certificateRequester, namespaceNameLabel } from "./policies/marks.ts";
import { nodeRestriction } from "./policies/node_restriction.ts";
import { mutatingWebhooks, runAll, validatingWebhooks } from "./webhooks/steps.ts";
import { podSecurity } from "./policies/pod_security.ts";
import { oneDefaultPriority, podPriority, systemPriorityStays } from "./policies/priority.ts";
import { podServiceAccount } from "./policies/service_account.ts";

export type Verdict = { readonly object: Draft; readonly error?: undefined } | { readonly object?: undefined; readonly error: ApiError };

/** Policies that change the object; once more after a webhook has changed it. */
const changing: readonly Step[] = [
  limitRangeDefaults,
  podServiceAccount,
  podPriority,
  defaultStorageClass,
  defaultIngressClass,
  certificateRequester,
];

export const steps: readonly Step[] = [
  namespaceLifecycle, // may anything new be made there?

  // Defaulting: what the writer has said, made whole.
  readable, // every field has its type and its default
  inherited, // what an update leaves out because the system had chosen it
  dependentDefaults,
  namespaceNameLabel,
  trackUpdate, // what follows is the master's own, and nobody's

  // Policies that change the object.
  ...changing,
  mutatingWebhooks([readable, dependentDefaults, ...changing]),
  firstState,

  // Validation: is it a good object of its kind?
  valid,

  // Policies that only look: may there be such an object, here, by this writer?
  fewDefinitions,
  limitRangeBounds,
  oneDefaultPriority,
  podSecurity,
  nodeRestriction,
  vetted,
  validatingWebhooks,
];
/** Deleting has a list of its own. */
export const deletingSteps: readonly Step[] = [
  protectedNamespaces,
  systemPriorityStays,
  nodeRestriction,
  mutatingWebhooks([]),
  validatingWebhooks,
];
// What is counted, and so must be exact whoever else writes at the same time, stands in the transaction itself, after all of these: addresses of
// Services (service_ips.ts), and at the very end what the object takes of its namespace's quotas (quotas.ts).

export async function admit(kind: Kind, object: Draft, old: Draft | undefined, context: AdmissionContext): Promise<Verdict> {
  const change: Change = { kind, object, old, context };
  const error = await runAll(steps, change);
  return error ? { error } : { object: change.object };
}

export function admitDelete(kind: Kind, old: Draft, context: AdmissionContext): Promise<ApiError | undefined> {
  return runAll(deletingSteps, { kind, object: old, old, context, deleting: true });
}

function namespaceLifecycle({ kind, object, old, context }: Change): ApiError | undefined {
  if (old || !kind.namespaced) return undefined;
  const { name = "", namespace = "" } = object.metadata;
  if (context.namespace === "absent") return notFound(namespaces, namespace);
  if (context.namespace !== "terminating") return undefined;
  const message = `namespace ${namespace} is being terminated`;
  return forbiddenObject(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [
    { reason: "NamespaceTerminating", message, field: "metadata.namespace" },
  ]);
}
const namespaces = { plural: "namespaces", group: "", kind: "Namespace" };

function readable(change: Change): ApiError | undefined {
  const { kind, object } = change;
  // Fields that nobody knows are dropped here; whoever spoke to the client has warned or refused.
  const { value, unreadable, causes } = decode(kind.schema, object);
  if (unreadable.length > 0) {
    return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${unreadable.join(", ")}`);
  }
  const all = [...causes, ...(causes.length > 0 ? checkMetadata(kind, object.metadata) : [])];
  if (all.length > 0) return invalidObject(kind, object.metadata.name ?? "", all);
  change.object = value as Draft;
  return undefined;
}

function inherited({ kind, object, old, context }: Change): undefined {
  if (old && context.subresource === undefined) kind.inherit?.(object, old);
}

function dependentDefaults({ kind, object }: Change): undefined {
  kind.defaults?.(object);
}

/** Of a new object; a pod's promise follows from what the policies have given it. */
function firstState({ kind, object, old }: Change): undefined {
  if (!old) kind.born?.(object);
}

function valid({ kind, object, old, context }: Change): ApiError | undefined {
  // Other subresources than status exist to do what a plain update may not (binding sets nodeName), so what may not change is theirs to know.
  const before = context.subresource === undefined || context.subresource === "status" ? old : undefined;
  const causes = [...checkMetadata(kind, object.metadata), ...(kind.validate?.(object, before, context.subresource) ?? [])];
  return causes.length === 0 ? undefined : invalidObject(kind, object.metadata.name ?? "", causes);
}

function vetted(change: Change): ApiError | undefined {
  return change.context.vet?.(change);
}

/** Without these a cluster does not work, so nobody may delete them. */
export const systemNamespaces: readonly string[] = ["default", "kube-system", "kube-public", "kube-node-lease"];
function protectedNamespaces({ kind, object: { metadata: { name = "" } } }: Change): ApiError | undefined {
  if (qualified(kind) !== "namespaces" || !systemNamespaces.includes(name)) return undefined;
  return forbiddenObject(kind, name, "this namespace may not be deleted");
}
