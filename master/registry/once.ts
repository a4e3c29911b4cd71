// Writes that may be repeated without knowing what has become of them (Idempotency-Key: draft-ietf-httpapi-idempotency-key-header). What was carried out is noted in the
// same transaction, under a digest of user and key; who asks again gets the object as it was written then, also from another master and after a restart.
// Only what was written is noted: a refusal, and what changed nothing, is simply decided anew.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Kind } from "../../shared/api/resource.ts";
import { ApiError, invalidObject } from "../../shared/api/status.ts";
import { onceNotes, onceSeconds } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { type KeyValue, type Store, StoreError } from "../store/store.ts";
import type { Claim } from "./claim.ts";
import { decode } from "./codec.ts";
import { translated } from "./errors.ts";
import type { DeleteOptions, ObjectKey, Stored, WriteOptions } from "./face.ts";
import type { Draft } from "./lifecycle.ts";
import { SharedLeases } from "./shared_leases.ts";
import type { Writer } from "./write.ts";

/** What stands under `/i/<digest>`; the revision at which it was written is that of the object. */
interface Note {
  readonly key: string;
  readonly request: string;
  readonly gone: boolean;
}
interface Outcome {
  readonly stored: Stored;
  readonly gone: boolean;
}
const prefix = "/i/";

/** A Writer that carries out at most once what says so. */
export class OnceWriter {
  readonly #writer: Writer;
  readonly #store: Store;
  readonly #leases: SharedLeases;

  constructor(writer: Writer, store: Store, clock: Clock) {
    this.#writer = writer;
    this.#store = store;
    this.#leases = new SharedLeases(store, clock, onceSeconds);
  }

  async create(kind: Kind, given: Draft, how: WriteOptions): Promise<Stored> {
    return (await this.#run(kind, how, async (how) => written(await this.#writer.create(kind, given, how)))).stored;
  }
  async update(kind: Kind, given: Draft, how: WriteOptions): Promise<Stored> {
    return (await this.#run(kind, how, async (how) => written(await this.#writer.update(kind, given, how)))).stored;
  }
  async modify(kind: Kind, key: ObjectKey, change: (copy: Draft) => Draft | undefined | void, how: WriteOptions): Promise<Stored> {
    return (await this.#run(kind, how, async (how) => written(await this.#writer.modify(kind, key, change, how)))).stored;
  }
  delete(kind: Kind, key: ObjectKey, options: DeleteOptions, how: WriteOptions): Promise<Outcome> {
    return this.#run(kind, how, (how) => this.#writer.delete(kind, key, options, how));
  }

  async #run(kind: Kind, how: WriteOptions, write: (how: WriteOptions) => Promise<Outcome>): Promise<Outcome> {
    const { once, user } = how;
    if (!once || how.dryRun) return await write(how);
    const at = prefix + createHash("sha256").update(`${user?.name ?? ""}\0${once.key}`).digest("base64url"), request = once.request();
    const before = await this.#made(kind, at, request);
    if (before) return before;
    try {
      return await write({ ...how, note: (key, gone) => this.#claim(at, { key, request, gone }) });
    } catch (error) {
      // The same request may have come twice at once: then what has become of the other one is the answer to both.
      const meanwhile = await this.#made(kind, at, request);
      if (meanwhile) return meanwhile;
      throw error;
    }
  }

  /** What has become of it, if it was carried out before. @throws ApiError Invalid: the key was another request's; Expired */
  async #made(kind: Kind, at: string, request: string): Promise<Outcome | undefined> {
    const { item } = await translated(this.#store.get(at));
    if (!item) return undefined;
    const { key, gone, ...note } = JSON.parse(Buffer.from(item.value).toString()) as Note;
    if (note.request !== request) {
      const message = "Invalid value: another request was made with this key: a new request needs a new one";
      throw invalidObject(kind, "", [{ reason: "FieldValueInvalid", field: "Idempotency-Key", message }]);
    }
    const revision = gone ? item.modRevision - 1 : item.modRevision, object = await this.#at(key, revision);
    return { stored: decode(kind, { ...object, modRevision: item.modRevision }), gone };
  }
  async #at(key: string, revision: number): Promise<KeyValue> {
    try {
      const { items } = await this.#store.list(key, { revision, limit: 1 });
      return items[0]!; // no other key that begins so comes before it
    } catch (error) {
      if (!(error instanceof StoreError && error.reason === "Compacted")) throw error;
      const message =
        `the request with this Idempotency-Key was carried out before; resourceVersion ${revision}, which it made, is too old to be shown`;
      throw new ApiError("Expired", message, { cause: error });
    }
  }

  async #claim(at: string, note: Note): Promise<Claim> {
    const { remaining } = await translated(this.#store.list(prefix, { limit: 1, serializable: true }));
    if (remaining >= onceNotes) {
      const message = `${onceNotes} requests with an Idempotency-Key are remembered already; try again later, or without one`;
      throw new ApiError("TooManyRequests", message, { details: { retryAfterSeconds: 60 } });
    }
    const lease = await translated(this.#leases.take());
    return {
      compares: [{ key: at, target: "modRevision", is: 0 }],
      then: [{ do: "put", key: at, value: Buffer.from(JSON.stringify(note)), lease }],
    };
  }
}

const written = (stored: Stored): Outcome => ({ stored, gone: false });
