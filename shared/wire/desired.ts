// A node's desired state: the complete set of objects it needs, as the master rendered them. Whatever is not in the set is to be removed from the node.
import { createHash } from "node:crypto";

/** An object as a node gets it: never status, resourceVersion or managedFields, so that what does not concern the node does not reach it. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly unknown[];
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly creationTimestamp?: string;
  };
  readonly [part: string]: unknown;
}

/** One member of the set. Bytes and hash are kept as they came: nobody serialises again to compare. */
export interface SetObject {
  readonly uid: string;
  /** First 128 bits of SHA-256, hex, over the bytes as the master rendered them, before sealing and compression; of a Secret, over `uid SP resourceVersion`. */
  readonly hash: string;
  readonly body: string;
  /** About as many bytes as the body has, where making it costs something. */
  readonly sizeBytes?: number;
}

/** The whole set and where it stands. */
export interface DesiredSet {
  readonly epoch: string;
  /** The store revision at which it was rendered. */
  readonly gen: number;
  readonly hash: string;
  readonly objects: ReadonlyMap<string, SetObject>;
}

const sha = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

export const objectHash = (body: string): string => sha(body);
export const secretHash = (uid: string, resourceVersion: string): string => sha(`${uid} ${resourceVersion}`);

/** Over the sorted lines `uid SP objHash`: equal sets hash equal, whatever their gen. */
export const setHash = (objects: Iterable<Pick<SetObject, "uid" | "hash">>): string =>
  sha([...objects].map(({ uid, hash }) => `${uid} ${hash}\n`).sort().join(""));

export const emptySet: DesiredSet = { epoch: "", gen: 0, hash: setHash([]), objects: new Map() };
