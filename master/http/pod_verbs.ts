// Giving a Pod its node, by posting a Binding.
import type { Binding } from "../../shared/api/kinds/binding.ts";
import { bindings } from "../../shared/api/kinds/binding.ts";
import type { Pod } from "../../shared/api/kinds/pod.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { conflict, invalidObject, type Status } from "../../shared/api/status.ts";
import { bindingBody } from "./bodies.ts";
import { placeObject, readValue, writeOptions } from "./object.ts";
import type { Operation } from "./context.ts";
import { respondJson } from "./respond.ts";

/** Posted to the pod's subresource, or to the older collection `bindings`. */
export async function bindPod({ api, c, wanted }: Operation, pods: Kind): Promise<Response> {
  const binding = await readValue(c, bindingBody);
  placeObject(c, bindings as Pick<Kind, "namespaced">, binding);
  const { name = "", namespace = "" } = binding.metadata ?? {}, causes = bindings.validate?.(binding) ?? [];
  if (causes.length > 0) throw invalidObject(bindingBody, name, causes);
  const now = new Date(api.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
  const kind = pods as unknown as Kind<Pod>;
  await api.registry.modify(kind, { namespace, name }, (pod) => bound(pod, binding, now), writeOptions(c, "binding"));
  return respondJson(c, success(), wanted, 201);
}

/** @throws ApiError Conflict: a pod has one node in its life */
function bound(pod: Pod, { target, metadata }: Binding, now: string): Pod {
  const { name = "" } = pod.metadata ?? {}, node = pod.spec?.nodeName;
  const refuse = (why: string) => conflict({ plural: "pods/binding", group: "", kind: "Pod" }, name, why);
  if (node) throw refuse(`pod ${name} is already assigned to node "${node}"`);
  if (pod.metadata?.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (metadata?.uid && metadata.uid !== pod.metadata?.uid) {
    throw refuse(`Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata?.uid}`);
  }
  const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  return {
    ...pod,
    spec: { ...pod.spec!, nodeName: target.name! },
    status: { ...pod.status, conditions: [...conditions, { type: "PodScheduled", status: "True", lastTransitionTime: now }] },
  };
}

export const success = (): Status => ({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
