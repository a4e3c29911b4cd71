// One pod's turn. Its steps run one after another (stops side by side), while other pods have theirs: a slow pull holds up one pod. What fails leaves a trouble behind.
import { podBackoff } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import type { Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { RuntimeError } from "../runtime/runtime.ts";
import { Missing } from "../volumes/sources.ts";
import { execute, type Tools, type Work } from "./execute.ts";
import { type Step, type Trouble, troubleKey } from "./plan.ts";

export class Lane {
  readonly troubles = new Map<string, Trouble>();
  /** Attempts for which an image with pullPolicy Always has been asked for. */
  readonly pulled = new Map<string, number>();
  /** Looks that began before this one saw the pod as it was before its last steps. */
  usableFrom = 0;
  #running: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #steps: readonly Step[] = [];

  get busy(): boolean {
    return this.#running !== undefined;
  }
  /** What it is doing: for people. */
  get steps(): readonly Step[] {
    return this.#steps;
  }
  /** What is under way is no longer wanted. */
  abort(reason: Error): void {
    this.#abort?.abort(reason);
  }
  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Never rejects. `done` is called when the last step has ended. */
  run(
    steps: readonly Step[],
    on: Tools & { readonly random: Random; readonly log: Log; refused(address: string): void },
    work: Work,
    signal: AbortSignal,
    done: () => void,
  ): void {
    this.#abort = new AbortController();
    this.#steps = steps;
    const either = AbortSignal.any([signal, this.#abort.signal]);
    const all = steps.every((step) => step.do === "stop")
      ? Promise.all(steps.map((step) => this.#step(step, on, work, either)))
      : (async () => {
        for (const step of steps) if (either.aborted || !await this.#step(step, on, work, either)) return;
      })();
    this.#running = all.then(() => {
      this.#running = undefined;
      this.#steps = [];
      done();
    });
  }

  /** False: it failed, and what would have come after it has to be planned anew. */
  async #step(
    step: Step,
    on: Tools & { readonly random: Random; readonly log: Log; refused(address: string): void },
    work: Work,
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = troubleKey(step);
    const keys = { pod: `${work.memory.namespace}/${work.memory.name}`, step: key.trim() };
    try {
      await execute(step, on, work, signal);
      this.troubles.delete(key);
      if (step.do === "pull") this.#asked(step.container, work);
      on.log.info("Step done", keys);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      on.log.info("Step failed", { ...keys, error });
      if (step.do === "pull") this.#pullFailed(step, error as Error, on, work);
      else if (error instanceof RuntimeError && error.reason === "AddressTaken") await this.#moveOn(step, on, work, signal);
      else if (error instanceof RuntimeError && error.reason === "ImageMissing") on.images.lost(imageOf(step, work));
      else if (error instanceof RuntimeError && error.reason === "Start" && step.do === "start") {
        on.event(step.podUid, "Warning", "Failed", `Error: ${error.message}`); // the engine shows it as ended: that has a back-off of its own
      } else if (!(error instanceof RuntimeError && expected.includes(error.reason))) this.#trouble(key, step, error as Error, on);
      return false;
    }
  }

  /** Images remembers why and when to try again; what is there may do. */
  #pullFailed(step: Step & { do: "pull" }, error: Error, { event, images }: Tools, work: Work): void {
    this.#asked(step.container, work);
    event(step.podUid, "Warning", "Failed", `Failed to pull image "${step.image}": ${error.message}`);
    if (images.has(step.image)) {
      return event(step.podUid, "Normal", "Pulled", `Container image "${step.image}" is used as it is on the node`);
    }
    event(step.podUid, "Warning", "Failed", "Error: ErrImagePull");
    if ((images.failure(step.image)?.failures ?? 0) > 1) event(step.podUid, "Normal", "BackOff", `Back-off pulling image "${step.image}"`);
  }

  #asked(container: string, { memory, actual }: Work): void {
    const highest = Math.max(
      memory.containers[container]?.attempt ?? -1,
      ...actual.containers.filter((one) => one.container === container).map(({ attempt }) => attempt),
    );
    this.pulled.set(container, highest + 1);
  }

  /** Somebody else has the address: the next sandbox gets another. */
  async #moveOn(
    step: Step,
    { runtime, refused }: Tools & { refused(address: string): void },
    work: Work,
    signal: AbortSignal,
  ): Promise<void> {
    if (work.memory.address !== undefined) refused(work.memory.address);
    if ("id" in step) await runtime.removeSandbox(step.id, signal).catch(() => {}); // else the plan does it
  }

  #trouble(key: string, step: Step, error: Error, { clock, random, event }: Tools & { random: Random }): void {
    const before = this.troubles.get(key), failures = (before?.failures ?? 0) + 1, reason = reasonOf(step, error);
    this.troubles.set(key, {
      reason,
      message: error.message,
      failures,
      at: clock.now(),
      delayMs: nextDelay(podBackoff, before?.delayMs ?? 0, random),
    });
    if (before?.message !== error.message) {
      const word = step.do.endsWith("Sandbox")
        ? "FailedCreatePodSandBox"
        : step.do === "stop" || step.do === "remove"
        ? "FailedKillPod"
        : "Failed";
      event(step.podUid, "Warning", word, `Error: ${error.message}`);
    }
  }
}

/** The world is not as it was when the steps were planned; the next look will show how it is. */
const expected: readonly string[] = ["NotFound", "AlreadyExists"];

function reasonOf(step: Step, error: Error): string {
  if (error instanceof Missing) return "CreateContainerConfigError";
  return step.do === "create" ? "CreateContainerError" : step.do === "start" ? "RunContainerError" : "ContainerCreating";
}

function imageOf(step: Step, { pod }: Work): string {
  const name = "container" in step ? step.container : "";
  const spec = pod?.spec;
  return [...spec?.initContainers ?? [], ...spec?.containers ?? [], ...spec?.ephemeralContainers ?? []].find((one) => one.name === name)
    ?.image ?? "";
}
