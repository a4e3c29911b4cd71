// Pods that nobody ends any more: those of a node that was deleted, and old ones that have ended. A pod without a node needs nobody to end it: deleting it
// removes it at once.
import { nodes } from "../../shared/api/kinds/node.ts";
import { type Pod, pods } from "../../shared/api/kinds/pod.ts";
import { deletesAtOnce, finishedPodsKept, nodeGoneMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";
import { forEachParallel } from "./parallel.ts";
import type { StoredPod } from "./pods_of.ts";

/** Not the name of any node. */
const finished = "/finished";
const ends = ["Succeeded", "Failed"] as const;

/** Pure: the oldest of those beyond the bound. */
export function superfluous(ended: readonly StoredPod[], kept: number): readonly StoredPod[] {
  const madeAt = ({ object }: StoredPod): string => object.metadata?.creationTimestamp ?? "";
  return ended.length <= kept ? [] : ended.toSorted((a, b) => madeAt(a) < madeAt(b) ? -1 : 1).slice(0, ended.length - kept);
}

/** Its keys are names of nodes, and one for all pods that have ended. */
export function podGc(clock: Clock): Controller {
  /** Since when a node with pods is not there, monotonic ms. */
  const missing = new Map<string, number>();
  return {
    name: "pod-gc",
    *keysOf({ kind, before, after }, cache) {
      if (kind.group !== "") return;
      if (kind.plural === "nodes" && (!before || !after)) yield (after ?? before)!.name;
      if (kind.plural !== "pods" || !after) return;
      const nodeName = after.fields["spec.nodeName"], phase = after.fields["status.phase"];
      if (nodeName && !cache.get(nodes, "", nodeName)) yield nodeName;
      if (phase !== before?.fields["status.phase"] && ends.some((end) => end === phase)) yield finished;
    },
    *allKeys(cache) {
      yield finished;
      for (const pod of cache.list(pods)) {
        const nodeName = pod.fields["spec.nodeName"];
        if (nodeName && !cache.get(nodes, "", nodeName)) yield nodeName;
      }
    },
    async reconcile(key, { cache, registry, log }) {
      let gone: readonly StoredPod[];
      if (key === finished) {
        gone = superfluous(
          ends.flatMap((phase) => [...cache.byField(pods, "status.phase", phase)]).filter(({ deleting }) => !deleting),
          finishedPodsKept,
        );
      } else {
        gone = [...cache.byField<Pod>(pods, "spec.nodeName", key)];
        if (gone.length === 0 || cache.get(nodes, "", key)) return void missing.delete(key);
        // A device that is enrolled anew comes back under its name within moments.
        const since = missing.get(key) ?? clock.monotonic(), leftMs = since + nodeGoneMs - clock.monotonic();
        missing.set(key, since);
        if (leftMs > 0) return leftMs;
        log.info("Removing the pods of a node that is gone", { node: key, pods: gone.length });
      }
      const error = await forEachParallel(
        gone,
        deletesAtOnce,
        (pod) =>
          registry.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } }).catch(unless("NotFound", "Conflict")),
      );
      if (error !== undefined) throw error;
    },
  };
}
