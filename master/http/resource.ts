// The REST verbs, generic over Kind: find the kind by the path, the verb's function by the request, and answer in the form the client can read.
import { type Kind, type KubernetesObject, verbsOf } from "../../shared/api/resource.ts";
import { badRequest, type Status } from "../../shared/api/status.ts";
import { deleteCollectionBatch } from "../../shared/limits.ts";
import type { Page, Stored } from "../registry/registry.ts";
import { applyObject, isApply } from "./apply_request.ts";
import type { Api, HttpContext, Operation } from "./context.ts";
import { readDeleteOptions } from "./delete_options.ts";
import { methodNotAllowed, pageNotFound } from "./errors.ts";
import { count, listQuery, renderList, selection } from "./list.ts";
import { type Form, negotiate } from "./negotiate.ts";
import { placeObject, readObject, writeOptions } from "./object.ts";
import { OnceRequest } from "./once_request.ts";
import { warnNotActedOn } from "./not_acted_on.ts";
import { patchObject } from "./patch_request.ts";
import { bindPod } from "./pod_verbs.ts";
import { respond, respondJson, respondStored } from "./respond.ts";
import { answerReview } from "./reviews.ts";
import { sourceOf } from "./sources.ts";
import { answerSubresource } from "./subresource.ts";
import { watchResponse } from "./watch.ts";

type Verb = (operation: Operation) => Promise<Response>;

const forms: readonly Form[] = ["object", "table", "metadata"];
const verbs: Readonly<Record<string, Verb>> = {
  get,
  list,
  watch: (operation) => Promise.resolve(watchResponse(operation)),
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeAll,
};

export const resourceHandler = (all: Api) => async (c: HttpContext): Promise<Response> => {
  const { verb, resource } = c.get("info");
  if (!resource) return pageNotFound();
  const kind = all.kinds.find(resource.group, resource.version, resource.plural);
  if (!kind || (!kind.namespaced && resource.namespace !== "")) return pageNotFound();
  if (kind.namespaced && resource.namespace === "" && resource.name !== "") return pageNotFound();
  const key = c.req.header("idempotency-key");
  if (key !== undefined && c.req.method !== "GET") c.set("once", new OnceRequest(key, c.req.method, new URL(c.req.url)));
  if (kind.deprecated) c.get("warnings").add(kind.deprecated);
  const accept = c.req.header("accept"), api: Api = { ...all, registry: sourceOf(all.registry, kind, all.memory) };
  if (resource.subresource !== "") return await answerSubresource({ api, c, kind, wanted: negotiate(accept, "object") });
  const collection = resource.name === "", everywhere = kind.namespaced && resource.namespace === "";
  const onCollection = verb === "create" || verb === "list" || verb === "watch" || verb === "deletecollection";
  const sensible = onCollection === collection && (!everywhere || verb === "list" || verb === "watch");
  if (!sensible || !verbsOf(kind).includes(verb) || !Object.hasOwn(verbs, verb)) throw methodNotAllowed();
  if (kind.stored === false && verb === "create") return await answerQuestion({ api: all, c, kind, wanted: negotiate(accept, "object") });
  return await verbs[verb]!({ api, c, kind, wanted: negotiate(accept, ...forms) });
};

/** What is posted and kept nowhere. */
function answerQuestion(operation: Operation): Promise<Response> {
  const pods = operation.kind.plural === "bindings" ? operation.api.kinds.find("", "v1", "pods") : undefined;
  return pods ? bindPod(operation, pods) : answerReview(operation);
}

const target = ({ c }: Operation): { namespace: string; name: string } => c.get("info").resource!;

async function get(operation: Operation): Promise<Response> {
  const { api, c, kind, wanted } = operation, serializable = c.get("query").get("resourceVersion") === "0";
  const stored = await api.registry.get(kind, target(operation), { serializable });
  return respondStored(c, stored, wanted, api.clock.now());
}

async function list({ api, c, kind, wanted }: Operation): Promise<Response> {
  const page = await api.registry.list(kind, listQuery(c, kind));
  return respond(c, await renderList(c, kind, page, wanted, api.clock.now()), wanted);
}

async function create({ api, c, kind, wanted }: Operation): Promise<Response> {
  const object = await readObject(c, kind);
  placeObject(c, kind, object);
  warnNotActedOn(c, kind, object);
  const stored = await api.registry.create(kind, object, writeOptions(c));
  return respondStored(c, stored, wanted, api.clock.now(), 201);
}

async function update({ api, c, kind, wanted }: Operation): Promise<Response> {
  const object = await readObject(c, kind);
  placeObject(c, kind, object);
  warnNotActedOn(c, kind, object);
  const stored = await api.registry.update(kind, object, writeOptions(c));
  return respondStored(c, stored, wanted, api.clock.now());
}

async function patch({ api, c, kind, wanted }: Operation): Promise<Response> {
  if (isApply(c, kind)) {
    const { stored, created } = await applyObject(api, c, kind, writeOptions(c));
    return respondStored(c, stored, wanted, api.clock.now(), created ? 201 : 200);
  }
  const stored = await patchObject(api, c, kind, writeOptions(c));
  return respondStored(c, stored, wanted, api.clock.now());
}

async function remove(operation: Operation): Promise<Response> {
  const { api, c, kind, wanted } = operation;
  const { options, dryRun } = await readDeleteOptions(c);
  const { stored, gone } = await api.registry.delete(kind, target(operation), options, { ...writeOptions(c), dryRun });
  // The client waits for this uid to go where it gets the object, and not at all where it gets a Status. Pods show what they were.
  if (!gone || kind.plural === "pods") return respondStored(c, stored, wanted, api.clock.now());
  return respondJson(c, deleted(kind, stored), wanted);
}

export const deleted = (kind: Kind, stored: Stored): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: { name: stored.name, ...(kind.group && { group: kind.group }), kind: kind.plural, uid: stored.uid },
});

/** Each object obeys its own rules; what somebody else deletes meanwhile is as good as deleted by us. */
async function removeAll({ api, c, kind, wanted }: Operation): Promise<Response> {
  const { options, dryRun } = await readDeleteOptions(c);
  if (c.get("once")) throw badRequest("an Idempotency-Key is of one write: it has no meaning for a collection");
  if (options.preconditions) throw badRequest("preconditions name one object: they have no meaning for a collection");
  const limit = count(c.get("query"), "limit"), how = { ...writeOptions(c), dryRun };
  const page = await api.registry.list(kind, { ...selection(c, kind), ...(limit && { limit }) });
  const items: Stored[] = [];
  for (let at = 0; at < page.items.length; at += deleteCollectionBatch) {
    const batch = page.items.slice(at, at + deleteCollectionBatch);
    items.push(
      ...await Promise.all(
        batch.map((stored) =>
          api.registry.delete(kind, stored, options, how).then((result) => result.stored, (error) => {
            if (error?.reason === "NotFound") return stored;
            throw error;
          })
        ),
      ),
    );
  }
  const done: Page<KubernetesObject> = { items, revision: api.registry.revision() };
  return respond(c, await renderList(c, kind, done, wanted, api.clock.now()), wanted);
}
