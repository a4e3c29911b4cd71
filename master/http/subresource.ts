// What stands behind an object's name: its status, its scale, and the verbs that are no fields (binding, eviction …).
import { type KubernetesObject, subresourcesOf } from "../../shared/api/resource.ts";
import type { Json } from "../../shared/api/schema.ts";
import type { Stored } from "../registry/registry.ts";
import { applyObject, isApply } from "./apply_request.ts";
import { methodNotAllowed, pageNotFound } from "./errors.ts";
import { evictPod } from "./eviction.ts";
import { placeObject, readObject, writeOptions } from "./object.ts";
import { readPatch } from "./patch_request.ts";
import { bindPod } from "./pod_verbs.ts";
import type { Operation } from "./context.ts";
import { forwardPorts } from "./port_forward.ts";
import { attachToPod, execInPod } from "./remote_command.ts";
import { respondStored } from "./respond.ts";
import { answerScale } from "./scale.ts";
import { notImplemented, podLogs } from "./stream.ts";
import { answerTokenRequest } from "./token_request.ts";

type Answer = (operation: Operation) => Promise<Response>;

const answers: Readonly<Record<string, Answer>> = {
  scale: answerScale,
  binding: (operation) => bindPod(operation, operation.kind),
  eviction: evictPod,
  log: ({ api, c, kind }) => podLogs(api, c, kind),
  exec: execInPod,
  attach: attachToPod,
  portforward: forwardPorts,
  token: answerTokenRequest,
};

export async function answerSubresource(operation: Operation): Promise<Response> {
  const { c, kind } = operation, { verb, resource } = c.get("info");
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
  const { verb, resource } = c.get("info"), { subresource } = resource!, key = resource!;
  const respondWith = (stored: Stored) => respondStored(c, stored, wanted, api.clock.now());
  if (verb === "get") return respondWith(await api.registry.get(kind, key));
  if (subresource !== "status" && !Object.hasOwn(parts, subresource)) throw notImplemented(`${kind.plural}/${subresource}`);

  if (verb === "patch" && subresource === "status" && isApply(c, kind)) {
    return respondWith((await applyObject(api, c, kind, writeOptions(c, subresource))).stored);
  }
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
