// What controllers do to the pods they own, and say about it.
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import type { Stored } from "../registry/face.ts";
import type { Context } from "./controller.ts";
import { isNamespaceEnding, unless } from "./expected_errors.ts";
import { ownerReference, readySince, type StoredPod } from "./pods_of.ts";

export interface PodWrites {
  readonly create: readonly Pod[];
  readonly delete: readonly StoredPod[];
  readonly adopt: readonly StoredPod[];
  readonly release: readonly StoredPod[];
}

/** All at once: they share an fsync. @returns why not everything could be done; what could be is done */
export async function writePods<T>(owner: Stored<T>, writes: PodWrites, { registry, recorder }: Context): Promise<Error | undefined> {
  const reference = ownerReference(owner);
  const results = await Promise.allSettled([
    ...writes.adopt.map((pod) =>
      registry.modify(pods, pod, (object) => {
        if (object.metadata?.uid === pod.uid && (object.metadata.ownerReferences ?? []).length === 0) {
          object.metadata.ownerReferences = [reference];
        }
      })
    ),
    ...writes.release.map((pod) =>
      registry.modify(pods, pod, (object) => {
        const left = object.metadata?.ownerReferences?.filter(({ uid }) => uid !== owner.uid) ?? [];
        if (left.length > 0) object.metadata!.ownerReferences = left;
        else delete object.metadata!.ownerReferences;
      })
    ),
    ...writes.create.map(async (pod) => {
      try {
        await registry.create(pods, pod);
        recorder.record(owner, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata!.name}`);
      } catch (error) {
        if (!isNamespaceEnding(error)) unless("AlreadyExists")(error);
      }
    }),
    ...writes.delete.map(async (pod) => {
      await registry.delete(pods, pod, { preconditions: { uid: pod.uid } }).catch(unless("NotFound", "Conflict"));
      recorder.record(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.name}`);
    }),
  ]);
  const failed = results.find((result) => result.status === "rejected");
  if (!failed) return undefined;
  const error = failed.reason instanceof Error ? failed.reason : new Error(String(failed.reason));
  if (writes.create.length > 0) recorder.record(owner, "Warning", "FailedCreate", `Error creating: ${error.message}`);
  return error;
}

/** Milliseconds until the next ready pod counts as available. */
export function untilAvailable(mine: readonly StoredPod[], minReadySeconds: number, now: number): number | undefined {
  const due = mine.map((pod) => (readySince(pod) ?? -Infinity) + minReadySeconds * 1000 - now).filter((ms) =>
    ms > 0 && Number.isFinite(ms)
  );
  return minReadySeconds > 0 && due.length > 0 ? Math.min(...due) : undefined;
}
