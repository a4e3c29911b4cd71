// The writing half of the registry: reads, asks the pure parts what becomes of the object, and puts it with a comparison, so that no update is ever lost.
import type { Service } from "../../shared/api/kinds/service.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { alreadyExists, ApiError, badRequest, conflict, invalidObject, notFound } from "../../shared/api/status.ts";
import { eventTtlSeconds, generatedNames, writeAttempts } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Compare, Operation, Store } from "../store/store.ts";
import { admit, admitDelete } from "./admission.ts";
import type { AdmissionContext, World } from "./change.ts";
import { type Claim, noClaim } from "./claim.ts";
import { decode, encode, headerBytes, keyOf } from "./codec.ts";
import { translated } from "./errors.ts";
import type { DeleteOptions, Mine, ObjectKey, Stored, WriteOptions } from "./face.ts";
import { generateName, newUid } from "./identity.ts";
import { Lanes } from "./lanes.ts";
import { bear, type Draft, finishes, generationOf, planDelete, revise, timestamp, unchanged } from "./lifecycle.ts";
import { checkMetadataUpdate } from "./metadata.ts";
import { Quotas } from "./quotas.ts";
import { isService, release, type ServiceIps } from "./service_ips.ts";
import { SharedLeases } from "./shared_leases.ts";
import { type Asked, concerns, isAsked } from "./webhooks/match.ts";
import { StoredWorld } from "./world.ts";

interface Needs {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly serviceIps: ServiceIps;
}
/** Who writes where nobody says who. */
const systemManager = "skerry-master";
const namespaceKind = { group: "", plural: "namespaces" };
const definitionKind = { group: "apiextensions.k8s.io", plural: "customresourcedefinitions", kind: "CustomResourceDefinition" };

export class Writer {
  readonly #needs: Needs;
  readonly #world: World;
  readonly #eventLeases: SharedLeases;
  readonly #lanes = new Lanes();
  readonly #quotas: Quotas;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#eventLeases = new SharedLeases(needs.store, needs.clock, eventTtlSeconds);
    this.#quotas = new Quotas(needs.store);
    this.#world = new StoredWorld(needs);
  }

  async create(kind: Kind, given: Draft, how: WriteOptions): Promise<Stored> {
    const { store, random, serviceIps } = this.#needs;
    const metadata = given.metadata ?? {}, { name: wished = "", generateName: prefix = "", namespace = "" } = metadata;
    if (metadata.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
    for (let attempt = 1;; attempt++) {
      const fresh = attempt > 1;
      const name = wished || (prefix && generateName(prefix, random)), key = keyOf(kind, namespace, name);
      const defined = kind.definition ? await this.#definition(kind.definition, fresh) : [];
      const space = kind.namespaced ? await this.#namespace(namespace, fresh) : undefined;
      const born = bear(kind, { ...given, metadata }, { uid: newUid(random), name, now: this.#now() });
      const context: AdmissionContext = {
        user: how.user,
        vet: how.vet,
        subresource: how.subresource,
        writer: this.#writer(how),
        namespace: space?.state,
        dryRun: how.dryRun,
        warn: how.warn,
        world: this.#world,
      };
      const { object, error } = await admit(kind, born, undefined, context);
      if (error) throw error;
      const claim = isService(kind) ? await serviceIps.plan(object as Service, undefined, fresh) : noClaim;
      const value = encodeOrRefuse(kind, object);
      const charge = { kind, object, old: undefined, now: this.#now() };
      if (how.dryRun) {
        if ((await translated(store.get(key))).item) throw alreadyExists(kind, name);
        await this.#quotas.check(charge);
        return decode(kind, { key, value, modRevision: 0 });
      }
      const note = await noteOf(how, key, false);
      const put = await this.#put(kind, key, value);
      const result = await this.#quotas.charged(charge, (quota) =>
        translated(store.txn({
          compares: [
            { key, target: "modRevision", is: 0 },
            ...(space?.compares ?? []),
            ...defined,
            ...claim.compares,
            ...quota.compares,
            ...note.compares,
          ],
          then: [put, ...claim.then, ...quota.then, ...note.then],
          else: [{ do: "get", key }],
        })));
      if (result.succeeded) return decode(kind, { key, value, modRevision: result.revision });
      const taken = result.results[0] !== undefined;
      if (taken && wished) throw alreadyExists(kind, name);
      if (attempt >= generatedNames) throw taken ? noFreeName(kind, name) : busy(kind, name);
    }
  }

  /** PUT. Without a resourceVersion the last writer wins. */
  update(kind: Kind, given: Draft, how: WriteOptions): Promise<Stored> {
    const { name = "", namespace = "", resourceVersion } = given.metadata ?? {};
    if (!name) throw badRequest("name must be provided");
    if (!resourceVersion && kind.conditionalUpdate) {
      throw invalidObject(kind, name, [
        { reason: "FieldValueInvalid", field: "metadata.resourceVersion", message: "Invalid value: 0x0: must be specified for an update" },
      ]);
    }
    return this.#change(kind, { namespace, name }, () => given, how);
  }
  modify(kind: Kind, key: ObjectKey, change: (copy: Draft) => Draft | undefined | void, how: WriteOptions): Promise<Stored> {
    return this.#change(kind, key, (current) => change(current.copy() as Draft) ?? undefined, how);
  }

  #change(kind: Kind, { namespace = "", name }: ObjectKey, change: (current: Mine<Draft>) => Draft | undefined, how: WriteOptions) {
    const key = keyOf(kind, namespace, name), { store } = this.#needs;
    return this.#inTurn(key, { kind, subresource: how.subresource ?? "", operation: "UPDATE" }, async (): Promise<Stored> => {
      for (let attempt = 1; attempt <= writeAttempts; attempt++) {
        const { item } = await translated(store.get(key));
        if (!item) throw notFound(kind, name);
        const current = decode(kind as Kind<unknown> as Kind<Draft>, item), old = current.object;
        const given = change(current);
        if (given === undefined) return asStored(current);
        checkPreconditions(kind, given, current);
        const next = await this.#revised(kind, old, given, how);
        const gone = finishes(kind, next);
        const claim = !isService(kind)
          ? noClaim
          : gone
          ? release(old as Service)
          : await this.#needs.serviceIps.plan(next as Service, old as Service, attempt > 1);
        if (unchanged(old, next)) return asStored(current);
        const value = encodeOrRefuse(kind, next);
        const charge = { kind, object: next, old, now: this.#now() }, charges = !gone && how.subresource !== "status";
        if (how.dryRun) {
          if (charges) await this.#quotas.check(charge);
          return decode(kind, { key, value, modRevision: current.revision });
        }
        const note = await noteOf(how, key, gone), operation = gone ? { do: "delete" as const, key } : await this.#put(kind, key, value);
        const commit = (quota: Claim) =>
          translated(store.txn({
            compares: [{ key, target: "modRevision", is: current.revision }, ...claim.compares, ...quota.compares, ...note.compares],
            then: [operation, ...claim.then, ...quota.then, ...note.then],
          }));
        const result = charges ? await this.#quotas.charged(charge, commit) : await commit(noClaim);
        if (result.succeeded) return decode(kind, { key, value, modRevision: result.revision });
      }
      throw conflict(kind, name);
    });
  }
  /** The object that is to be stored, through admission, with its generation. */
  async #revised(kind: Kind, old: Draft, given: Draft, how: WriteOptions): Promise<Draft> {
    const wrong = how.subresource === "status" ? [] : checkMetadataUpdate(given.metadata, old.metadata);
    if (wrong.length > 0) throw invalidObject(kind, old.metadata.name!, wrong);
    const revised = revise(kind, old, given, {
      ...(how.subresource !== undefined && { subresource: how.subresource }),
      system: how.user === undefined,
      applied: how.operation === "Apply",
    });
    const context = {
      user: how.user,
      vet: how.vet,
      dryRun: how.dryRun,
      warn: how.warn,
      subresource: how.subresource,
      writer: this.#writer(how),
      world: this.#world,
    };
    const { object, error } = await admit(kind, revised, old, context);
    if (error) throw error;
    const generation = how.subresource === "status" ? undefined : generationOf(kind, old, object);
    if (generation !== undefined) object.metadata.generation = generation;
    return object;
  }

  delete(
    kind: Kind,
    { namespace = "", name }: ObjectKey,
    options: DeleteOptions,
    how: WriteOptions,
  ): Promise<{ stored: Stored; gone: boolean }> {
    const key = keyOf(kind, namespace, name), { store } = this.#needs;
    return this.#inTurn(key, { kind, subresource: "", operation: "DELETE" }, async () => {
      for (let attempt = 1; attempt <= writeAttempts; attempt++) {
        const { item } = await translated(store.get(key));
        if (!item) throw notFound(kind, name);
        const current = decode(kind as Kind<unknown> as Kind<Draft>, item), old = current.object;
        checkDeletePreconditions(kind, options, current);
        const error = await admitDelete(kind, old, { user: how.user, dryRun: how.dryRun, warn: how.warn, world: this.#world });
        if (error) throw error;
        const plan = planDelete(kind, old, options, this.#now());
        if (plan.do === "wait") return { stored: asStored(current), gone: false };
        const gone = plan.do === "remove";
        const value = gone ? item.value : encodeOrRefuse(kind, plan.object);
        if (how.dryRun) return { stored: decode(kind, { key, value, modRevision: current.revision }), gone };
        const claim = gone && isService(kind) ? release(old as Service) : noClaim;
        const note = await noteOf(how, key, gone);
        const result = await translated(store.txn({
          compares: [{ key, target: "modRevision", is: current.revision }, ...note.compares],
          then: [gone ? { do: "delete", key } : await this.#put(kind, key, value), ...claim.then, ...note.then],
        }));
        if (result.succeeded) return { stored: decode(kind, { key, value, modRevision: result.revision }), gone };
      }
      throw conflict(kind, name);
    });
  }

  /** Who may have to wait for a webhook takes no turn: others get theirs meanwhile, and if one has written by then, it is done once more. */
  async #inTurn<R>(key: string, what: Asked, work: () => Promise<R>): Promise<R> {
    const hooks = isAsked(what) ? await this.#world.webhooks() : [];
    return hooks.some(({ webhook }) => concerns(webhook, what)) ? await work() : await this.#lanes.run(key, work);
  }
  /** ms since 1970 for times in objects: never behind the log, whatever a clock without battery says. */
  #now(): number {
    return Math.max(this.#needs.clock.now(), this.#needs.store.status().time);
  }
  #writer({ fieldManager = systemManager, operation }: WriteOptions): NonNullable<AdmissionContext["writer"]> {
    return { manager: fieldManager, operation: operation ?? "Update", time: timestamp(this.#now()) };
  }
  async #put(kind: Kind, key: string, value: Uint8Array): Promise<Operation> {
    if (kind.kind !== "Event") return { do: "put", key, value };
    return { do: "put", key, value, lease: await translated(this.#eventLeases.take()) };
  }
  /**
   * The comparison makes it airtight: nothing is created in a namespace once it is terminating, so what its controller has found empty stays empty.
   * The first look is at this member's own state; if that was stale, the comparison fails and the next look asks the leader.
   */
  async #namespace(name: string, fresh: boolean): Promise<{ state: "absent" | "active" | "terminating"; compares: Compare[] }> {
    const key = keyOf(namespaceKind, "", name), { store } = this.#needs;
    let { item } = await translated(store.get(key, { serializable: !fresh }));
    if (!item && !fresh) ({ item } = await translated(store.get(key)));
    if (!item) return { state: "absent", compares: [] };
    const { deleting } = decode(this.#anyKind, item);
    return { state: deleting ? "terminating" : "active", compares: [{ key, target: "modRevision", is: item.modRevision }] };
  }
  /** Likewise nothing is created of a kind whose definition goes. */
  async #definition(name: string, fresh: boolean): Promise<Compare[]> {
    const key = keyOf(definitionKind, "", name), { store } = this.#needs;
    let { item } = await translated(store.get(key, { serializable: !fresh }));
    if (!item && !fresh) ({ item } = await translated(store.get(key)));
    if (!item) throw notFound(definitionKind, name);
    if (!decode(this.#anyKind, item).deleting) return [{ key, target: "modRevision", is: item.modRevision }];
    throw new ApiError("MethodNotAllowed", "create not allowed while custom resource definition is terminating");
  }
  readonly #anyKind = namespaceKind as Kind;
}

const noteOf = ({ note }: WriteOptions, key: string, gone: boolean): Promise<Claim> | Claim => note ? note(key, gone) : noClaim;
const asStored = (mine: Mine<Draft>): Stored => mine as unknown as Stored;

function encodeOrRefuse(kind: Kind, object: Draft): Uint8Array {
  const value = encode(kind, object);
  if (value) return value;
  const message = `Too long: labels and selectable fields may not be more than ${headerBytes} bytes together`;
  throw invalidObject(kind, object.metadata.name!, [{ reason: "FieldValueTooLong", field: "metadata.labels", message }]);
}
function checkPreconditions(kind: Kind, { metadata: { uid, resourceVersion } = {} }: Draft, current: Stored<Draft>): void {
  if (uid && uid !== current.uid) {
    throw conflict(kind, current.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.uid}`);
  }
  if (resourceVersion && resourceVersion !== String(current.revision)) throw conflict(kind, current.name);
}
function checkDeletePreconditions(
  kind: Kind,
  { preconditions: { uid, resourceVersion } = {} }: DeleteOptions,
  current: Stored<Draft>,
): void {
  if (uid && uid !== current.uid) {
    const why =
      `the UID in the precondition (${uid}) does not match the UID in record (${current.uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, current.name, why);
  }
  if (resourceVersion && resourceVersion !== String(current.revision)) {
    const why =
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.revision}). ` +
      "The object might have been modified";
    throw conflict(kind, current.name, why);
  }
}
const noFreeName = (kind: Kind, name: string): ApiError => {
  const { message, details } = alreadyExists(kind, name);
  return new ApiError("AlreadyExists", `${message}, the server was not able to generate a unique name for the object`, {
    details: { ...details, retryAfterSeconds: 1 },
  });
};
const busy = (kind: Kind, name: string): ApiError => conflict(kind, name, "what it depends on keeps changing; please try again");
