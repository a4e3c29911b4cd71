// /scale: the one number by which kubectl and autoscalers grow and shrink anything, wherever the kind keeps it.
import type { LabelSelector } from "../../shared/api/meta.ts";
import { invalid, type Kind, type KubernetesObject } from "../../shared/api/resource.ts";
import { fromLabelSelector, fromMap, toText } from "../../shared/api/selector.ts";
import type { Json } from "../../shared/api/schema.ts";
import { invalidObject } from "../../shared/api/status.ts";
import type { Stored } from "../registry/registry.ts";
import type { Scale } from "../../shared/api/kinds/scale.ts";
import { scaleBody } from "./bodies.ts";
import { pageNotFound } from "./errors.ts";
import { placeObject, readValue, writeOptions } from "./object.ts";
import { readPatch } from "./patch_request.ts";
import type { Operation } from "./context.ts";
import { respondJson } from "./respond.ts";

export async function answerScale({ api, c, kind, wanted }: Operation): Promise<Response> {
  if (!kind.scale) return pageNotFound();
  const { verb, resource } = c.get("info"), key = resource!;
  if (verb === "get") return respondJson(c, scaleOf(kind, await api.registry.get(kind, key)), wanted);

  let change: (current: Scale) => Scale;
  if (verb === "patch") change = await readPatch(c, scaleBody);
  else {
    const scale = await readValue(c, scaleBody);
    placeObject(c, kind, scale);
    change = () => scale;
  }
  const stored = await api.registry.modify(kind, key, (object) => {
    const current = scaleObject(kind, object, key.name), next = change(current);
    const replicas = next.spec?.replicas ?? 0;
    if (replicas < 0) {
      throw invalidObject(scaleBody, key.name, [invalid("spec.replicas", replicas, "must be greater than or equal to 0")]);
    }
    set(object as Json, kind.scale!.specReplicas, replicas);
    // The precondition is that of the scaled object.
    if (next.metadata?.resourceVersion) object.metadata!.resourceVersion = next.metadata.resourceVersion;
    return object;
  }, writeOptions(c, "scale"));
  return respondJson(c, scaleOf(kind, stored), wanted);
}

const scaleOf = (kind: Kind, stored: Stored): Scale => scaleObject(kind, stored.object, stored.name);

function scaleObject(kind: Kind, object: KubernetesObject, name: string): Scale {
  const { specReplicas, statusReplicas, selector } = kind.scale!;
  const { namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const replicas = (path: string): number => Number(at(object, path) ?? 0);
  const text = selector === undefined ? "" : selectorText(at(object, selector));
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: { replicas: replicas(specReplicas) },
    status: { replicas: replicas(statusReplicas), ...(text && { selector: text }) },
  };
}

/** A selector is kept as text (custom resources), as a LabelSelector, or as bare labels (ReplicationController). */
function selectorText(selector: unknown): string {
  if (typeof selector !== "object" || selector === null) return typeof selector === "string" ? selector : "";
  const structured = "matchLabels" in selector || "matchExpressions" in selector;
  return toText(structured ? fromLabelSelector(selector as LabelSelector) : fromMap(selector as Record<string, string>));
}

/** `.spec.replicas`: the simple paths of a CustomResourceDefinition. */
const steps = (path: string): string[] => path.split(".").filter((step) => step !== "");
const at = (object: unknown, path: string): unknown =>
  steps(path).reduce((value: unknown, step) => (value as Json | undefined)?.[step], object);
function set(object: Json, path: string, value: unknown): void {
  const way = steps(path), last = way.pop()!;
  let inner = object;
  for (const step of way) inner = (inner[step] ??= {}) as Json;
  inner[last] = value;
}
