// What has to be done now and then for pods that run, beside running them: files renewed, logs bounded, leftovers swept.
import { containerLogBytes, podResyncMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { rotateLog } from "../runtime/log_rotation.ts";
import { containerLogPath } from "../runtime/logs.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import type { Place } from "../volumes/sources.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Book } from "./book.ts";
import type { Desired } from "./desired.ts";
import type { ActualPod } from "./plan.ts";

export interface HousekeepingDependencies {
  readonly runtime: Pick<ContainerRuntime, "reopenLog">;
  readonly clock: Clock;
  readonly log: Log;
  readonly volumes: Volumes;
  readonly book: Book;
}
export interface HousekeepingOptions {
  readonly logsDir: string;
  place(podIP: string | undefined): Place;
}
type ActualPods = ReadonlyMap<string, ActualPod>;

export class Housekeeping {
  readonly #on: HousekeepingDependencies;
  readonly #options: HousekeepingOptions;
  #renewed: Desired | undefined;
  #rotateAt = 0;

  constructor(on: HousekeepingDependencies, options: HousekeepingOptions) {
    this.#on = on;
    this.#options = options;
  }

  /** A new set may hold new files for pods that run. A pod whose lane is busy makes its own; it is looked after with the next look. */
  async renew(desired: Desired, pods: ActualPods, isBusy: (uid: string) => boolean): Promise<void> {
    if (this.#renewed === desired) return;
    const { volumes, log } = this.#on;
    let left = false;
    for (const pod of desired.pods.values()) {
      const here = pods.get(pod.uid);
      if (!here) continue;
      const name = `${pod.namespace}/${pod.name}`;
      try {
        if (isBusy(pod.uid)) left = true;
        else if (await volumes.renew(pod, this.#options.place(here.sandboxes[0]?.address), desired)) {
          log.info("Files of a running pod renewed", { pod: name });
        }
      } catch (error) {
        left = true; // one pod's full file system must not keep the others waiting
        log.warn("Cannot renew the files of a running pod; trying again", { pod: name, error });
      }
    }
    if (!left) this.#renewed = desired;
  }

  /** Directories of pods of which nobody knows any more: of an agent that died before it could remove them, or lost its memory. */
  async sweep(desired: Desired, pods: ActualPods): Promise<void> {
    const { volumes, book } = this.#on;
    for (const uid of await volumes.known()) {
      if (!desired.pods.has(uid) && !pods.has(uid) && book.get(uid) === undefined) await volumes.remove(uid);
    }
  }

  /** Keeps each running container's log within its bound; looks only every so often. */
  async rotateLogs(desired: Desired, pods: ActualPods): Promise<void> {
    const { clock, runtime, log } = this.#on;
    if (clock.monotonic() < this.#rotateAt) return;
    this.#rotateAt = clock.monotonic() + podResyncMs;
    for (const pod of desired.pods.values()) {
      for (const { state, id, container, attempt } of pods.get(pod.uid)?.containers ?? []) {
        if (state !== "running") continue;
        const path = containerLogPath(this.#options.logsDir, pod, container, attempt);
        await rotateLog(clock, path, containerLogBytes, () => runtime.reopenLog(id)).catch((error) => {
          log.warn("Cannot rotate the log of a container; trying again", { pod: `${pod.namespace}/${pod.name}`, container, error });
        });
      }
    }
  }
}
