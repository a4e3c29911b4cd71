// What stands behind an object's name: its status, its scale, and the verbs that are no fields (binding, eviction …).
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import type { Json } from "../../shared/api/schema.ts";
import { badRequest, conflict, type Status } from "../../shared/api/status.ts";
import type { Stored } from "../registry/registry.ts";
import { bindingBody, evictionBody } from "./bodies.ts";
import { deleteOptions } from "./delete_options.ts";
import { subresourcesOf } from "./discovery.ts";
import { methodNotAllowed, pageNotFound } from "./errors.ts";
import { placeObject, readObject, readValue, writeOptions } from "./object.ts";
import { readPatch } from "./patch_request.ts";
import type { Operation } from "./resource.ts";
import { respondJson, respondStored } from "./respond.ts";
import { answerScale } from "./scale.ts";
import { notImplemented, podLogs } from "./stream.ts";

type Answer = (operation: Operation) => Promise<Response>;

const answers: Readonly<Record<string, Answer>> = {
  scale: answerScale,
  binding: bind,
  eviction: evict,
  log: ({ api, c, kind }) => podLogs(api, c, kind),
  exec: unable("exec in containers"),
  attach: unable("attach to containers"),
  portforward: unable("forwarding of ports"),
  proxy: unable("the proxy to pods, services and nodes"),
  token: unable("issuing ServiceAccount tokens"),
};
function unable(what: string): Answer {
  return () => Promise.reject(notImplemented(what));
}

export async function answerSubresource(operation: Operation): Promise<Response> {
  const { c, kind } = operation, { verb, resource } = c.var.info;
  const { name, subresource } = resource!;
  const known = subresourcesOf(kind).find((sub) => sub.name === subresource);
  if (!known || name === "") return pageNotFound();
  if (!known.verbs.includes(verb)) throw methodNotAllowed();
  return await (Object.hasOwn(answers, subresource) ? answers[subresource]! : answerPart)(operation);
}

/** The fields that a subresource may write; everything else of the body is ignored. "status" is the registry's own. */
const parts: Readonly<Record<string, readonly string[]>> = {
  finalize: ["spec", "finalizers"],
  approval: ["status", "conditions"],
  ephemeralcontainers: ["spec", "ephemeralContainers"],
};

/** A subresource that speaks the kind itself and stands for a part of it. */
async function answerPart({ api, c, kind, wanted }: Operation): Promise<Response> {
  const { verb, resource } = c.var.info, { subresource } = resource!, key = resource!;
  const respondWith = (stored: Stored) => respondStored(c, stored, wanted, api.clock.now());
  if (verb === "get") return respondWith(await api.registry.get(kind, key));
  if (subresource !== "status" && !Object.hasOwn(parts, subresource)) throw notImplemented(`${kind.plural}/${subresource}`);

  let change: (current: KubernetesObject) => KubernetesObject;
  if (verb === "patch") change = await readPatch(c, kind);
  else {
    const object = await readObject(c, kind);
    placeObject(c, kind, object);
    change = () => object;
  }
  const how = writeOptions(c, subresource);
  return respondWith(await api.registry.modify(kind, key, (object) => taken(subresource, object, change(structuredClone(object))), how));
}

/** `object` with the subresource's part, and the precondition, of `given`. */
function taken(subresource: string, object: KubernetesObject, given: KubernetesObject): KubernetesObject {
  if (subresource === "status") return given;
  const [section, field] = parts[subresource]! as [string, string];
  const value = ((given as Json)[section] as Json | undefined)?.[field];
  const { [field]: _, ...others } = ((object as Json)[section] ?? {}) as Json;
  const resourceVersion = given.metadata?.resourceVersion || object.metadata?.resourceVersion;
  return {
    ...object,
    metadata: { ...object.metadata, ...(resourceVersion && { resourceVersion }) },
    [section]: { ...others, ...(value !== undefined && { [field]: value }) },
  };
}

/** Of a Pod, what binding reads and writes. */
interface Bindable extends KubernetesObject {
  spec?: { nodeName?: string };
  status?: { conditions?: { type: string; status: string; lastTransitionTime?: string }[] };
}

async function bind({ api, c, kind, wanted }: Operation): Promise<Response> {
  const binding = await readValue(c, bindingBody);
  placeObject(c, kind, binding);
  const { kind: targetKind, name: node } = binding.target, { name } = c.var.info.resource!;
  if (targetKind && targetKind !== "Node") throw badRequest(`a pod can be bound to a Node only, not to a ${targetKind}`);
  if (!node) throw badRequest("target.name: the name of the node is required");
  await api.registry.modify(kind as Kind<Bindable>, c.var.info.resource!, (pod) => {
    const bound = pod.spec?.nodeName;
    const pods = { plural: `${kind.plural}/binding`, group: kind.group, kind: kind.kind };
    if (bound) throw conflict(pods, name, `pod ${name} is already assigned to node "${bound}"`);
    if (pod.metadata?.deletionTimestamp) throw conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
    const lastTransitionTime = new Date(api.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
    pod.spec = { ...pod.spec, nodeName: node };
    pod.status = { ...pod.status, conditions: [...others, { type: "PodScheduled", status: "True", lastTransitionTime }] };
    return pod;
  }, writeOptions(c, "binding"));
  return respondJson(c, success(), wanted, 201);
}

/** There are no disruption budgets yet, so every eviction is allowed. */
async function evict({ api, c, kind, wanted }: Operation): Promise<Response> {
  const eviction = await readValue(c, evictionBody);
  placeObject(c, kind, eviction);
  const { options, dryRun } = deleteOptions(c, eviction.deleteOptions ?? {});
  await api.registry.delete(kind, c.var.info.resource!, options, { ...writeOptions(c), dryRun });
  return respondJson(c, success(), wanted, 201);
}
const success = (): Status => ({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
