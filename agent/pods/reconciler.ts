// Wake → look → learn → plan → execute → report. One look at the engine serves all pods; a pod whose lane is busy is left out until a look that began after its last
// step. Events from the engine, probes, lanes and the link only say "look again"; every ten seconds it looks without being told.
import { podBackoff, podResyncMs } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import { type Random, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { Wake } from "../../shared/util/signal.ts";
import type { Prober, ProbeTarget } from "../probes/prober.ts";
import { containerLogPath } from "../runtime/logs.ts";
import type { Actual } from "../runtime/runtime.ts";
import type { Place } from "../volumes/sources.ts";
import type { Addresses } from "./addresses.ts";
import { restartDelayMs } from "./backoff.ts";
import type { Book } from "./book.ts";
import type { Desired, DesiredPod } from "./desired.ts";
import { lastWordsPath, type Tools, type Work } from "./execute.ts";
import type { Housekeeping } from "./housekeeping.ts";
import { Lane } from "./lane.ts";
import { lastWords } from "./last_words.ts";
import { ended, learn, newest, newMemory, type PodMemory } from "./memory.ts";
import { type ActualPod, plan, type Step } from "./plan.ts";
import type { Dns } from "./spec.ts";
import { podEnd, standings } from "./standing.ts";
import type { Statuses } from "./statuses.ts";

export interface ReconcilerDependencies extends Tools {
  readonly random: Random;
  readonly log: Log;
  readonly book: Book;
  readonly prober: Prober;
  readonly statuses: Statuses;
  readonly housekeeping: Housekeeping;
}
export interface ReconcilerOptions {
  readonly logsDir: string;
  /** Of the machine. */
  readonly memoryBytes: number;
  place(podIP: string | undefined): Place;
  dns(desired: Desired): Dns;
  /** Undefined: the engine chooses addresses. */
  addresses(desired: Desired): Addresses | undefined;
}

export class Reconciler {
  readonly #on: ReconcilerDependencies;
  readonly #options: ReconcilerOptions;
  readonly #wake = new Wake();
  readonly #lanes = new Map<string, Lane>();
  /** Pods that are to be deleted and of which nothing is left here; they stay in the set until the master has heard. */
  readonly #gone = new Set<string>();
  /** Containers seen in the first look: they ran before this process. */
  #adopted: ReadonlySet<string> | undefined;
  #desired: Desired | undefined;
  #looks = 0;
  #clock: { wall: number; monotonic: number };
  #waiting: (() => void)[] = [];
  #isSettled = false;

  constructor(on: ReconcilerDependencies, options: ReconcilerOptions) {
    this.#on = on;
    this.#options = options;
    this.#clock = { wall: on.clock.now(), monotonic: on.clock.monotonic() };
  }

  lookAgain(): void {
    this.#wake.set();
  }

  setDesired(desired: Desired): void {
    const before = this.#desired;
    this.#desired = desired;
    this.#isSettled = false;
    for (const [uid, lane] of this.#lanes) {
      // What could not be made may have been for want of something that has now come.
      for (const key of lane.troubles.keys()) if (key.startsWith("create ")) lane.troubles.delete(key);
      if (lane.busy && outdated(lane.steps, before?.pods.get(uid), desired.pods.get(uid))) lane.abort(new Error("the pod has changed"));
    }
    for (const uid of this.#gone) if (!desired.pods.has(uid)) this.#gone.delete(uid);
    this.lookAgain();
  }

  /** Resolves when nothing is left to do for the set but to wait. */
  settled(): Promise<void> {
    if (this.#isSettled) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async run({ signal }: { signal: AbortSignal }): Promise<void> {
    const { clock, random, log, runtime, book, prober } = this.#on;
    const watching = runtime.watch(() => this.lookAgain(), signal);
    let failedMs = 0;
    while (!signal.aborted) {
      let lookAgainAt: number;
      try {
        lookAgainAt = await this.#round(signal);
        failedMs = 0;
      } catch (error) {
        if (signal.aborted) break;
        failedMs = nextDelay(podBackoff, failedMs, random);
        log.warn("Cannot look after the pods; trying again", { error, delayMs: Math.round(failedMs) });
        await sleep(clock, failedMs, signal).catch(() => {}); // an abort ends the loop
        continue;
      }
      const waitMs = Math.max(leastWaitMs, Math.min(podResyncMs, lookAgainAt - clock.now()));
      await this.#wake.wait(clock, signal, waitMs);
    }
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()));
    await prober.close();
    await book.save();
    await watching;
  }

  /** @returns when to look again, ms since 1970 */
  async #round(signal: AbortSignal): Promise<number> {
    const desired = this.#desired, { runtime, book, prober, statuses, clock, images, housekeeping } = this.#on;
    if (desired === undefined) return Infinity; // an empty set would be an order to stop everything: none at all is not
    this.#followClock();
    const look = ++this.#looks;
    const actual = await runtime.observe();
    const pods = byPod(actual);
    if (this.#adopted === undefined) {
      this.#adopted = new Set(actual.containers.filter(({ state }) => state === "running").map(({ id }) => id));
      await housekeeping.sweep(desired, pods);
    }
    for (const pod of desired.pods.values()) if (!this.#gone.has(pod.uid)) await this.#learn(pod, pods.get(pod.uid) ?? nothing, signal);
    await images.look(wantedImages(desired, pods, book, clock.now()));
    prober.sync(this.#targets(desired, pods));
    await housekeeping.renew(desired, pods, (uid) => this.#lanes.get(uid)?.busy === true);

    let lookAgainAt = Infinity, busy = false;
    const turns: { lane: Lane; steps: readonly Step[]; work: Work }[] = [];
    for (const uid of new Set([...desired.pods.keys(), ...pods.keys(), ...book.uids])) {
      if (this.#gone.has(uid)) continue;
      const pod = desired.pods.get(uid), here = pods.get(uid) ?? nothing;
      const memory = pod ? book.take(pod) : book.get(uid) ?? newMemory(labelsOf(uid, here), clock.now());
      let lane = this.#lanes.get(uid);
      if (!lane) this.#lanes.set(uid, lane = new Lane());
      if (lane.busy || look < lane.usableFrom) {
        busy = true;
        continue;
      }
      const around = { troubles: lane.troubles, pulled: lane.pulled, probes: prober.results };
      const next = plan(pod, here, images, memory, around, clock.now());
      lookAgainAt = Math.min(lookAgainAt, next.lookAgainAt ?? Infinity);
      if (next.steps.length > 0) turns.push({ lane, steps: next.steps, work: this.#work(desired, pod, here, memory, actual) });
    }
    for (const pod of desired.pods.values()) {
      if (this.#gone.has(pod.uid)) continue;
      const lane = this.#lanes.get(pod.uid)!;
      statuses.update(pod, pods.get(pod.uid) ?? nothing, { troubles: lane.troubles, pulled: lane.pulled, probes: prober.results });
    }
    // What is about to be destroyed is remembered first.
    if (turns.some(({ steps }) => steps.some((step) => step.do === "remove" || step.do === "removeSandbox"))) await book.save();
    for (const { lane, steps, work } of turns) this.#run(lane, steps, work, signal);
    await book.saveIfDue();
    await housekeeping.rotateLogs(desired, pods);
    this.#isSettled = !busy && turns.length === 0 && desired === this.#desired;
    if (this.#isSettled) { for (const resolve of this.#waiting.splice(0)) resolve(); }
    return lookAgainAt;
  }

  #run(lane: Lane, steps: readonly Step[], work: Work, signal: AbortSignal): void {
    const { book, statuses, clock } = this.#on, uid = work.memory.uid;
    const refused = (address: string): void => {
      this.#options.addresses(work.desired)?.refuse(address, clock.monotonic());
      book.release(uid);
    };
    lane.run(steps, { ...this.#on, refused }, work, signal, () => {
      lane.usableFrom = this.#looks + 1;
      if (steps[0]?.do === "forget" && !lane.troubles.has("forget ") && !signal.aborted) {
        book.forget(uid);
        this.#lanes.delete(uid);
        if (work.pod) this.#gone.add(uid);
        statuses.gone(uid);
      }
      this.lookAgain();
    });
  }

  #work(desired: Desired, pod: DesiredPod | undefined, here: ActualPod, memory: PodMemory, actual: Actual): Work {
    const { book } = this.#on, { logsDir, memoryBytes, place, dns, addresses } = this.#options;
    return {
      pod,
      desired,
      actual: here,
      memory,
      place: place(here.sandboxes[0]?.address),
      dns: dns(desired),
      logsDir,
      memoryBytes,
      address: () => {
        const from = addresses(desired);
        return from && book.address(memory.uid, from, actual.sandboxes.flatMap(({ address }) => address ?? []));
      },
    };
  }

  /** What a look at the pod's containers says that must not be forgotten. */
  async #learn(pod: DesiredPod, here: ActualPod, signal: AbortSignal): Promise<void> {
    const { book, clock, volumes, event } = this.#on, before = book.take(pod);
    const words = new Map<string, string>();
    for (const [name, actual] of newest(here.containers)) {
      if (!ended(actual) || before.containers[name]?.last?.attempt === actual.attempt) continue;
      const container = [...pod.spec.containers, ...pod.spec.initContainers ?? []].find((one) => one.name === name);
      const path = lastWordsPath(volumes, pod.uid, name, actual.attempt),
        logPath = containerLogPath(this.#options.logsDir, pod, name, actual.attempt);
      words.set(actual.id, await lastWords({ clock }, container, actual, path, logPath, signal));
    }
    let memory = learn(before, here.containers, (id) => words.get(id) || undefined);
    for (const [name, { last, crashes }] of Object.entries(memory.containers)) {
      if (last === before.containers[name]?.last || restartDelayMs(crashes, crashes?.specHash ?? "") === 0) continue;
      event(pod.uid, "Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${pod.name}_${pod.namespace}(${pod.uid})`);
    }
    const over = pod.deletion ? memory.over : podEnd(pod, standings(pod, here.containers, memory, clock.now()), memory, clock.now());
    if (over !== memory.over) memory = { ...memory, ...(over && { over }) };
    if (memory.address !== undefined && over && here.sandboxes.length === 0) {
      const { address: _, ...rest } = memory; // its sandbox is gone: others may have it
      memory = rest;
    }
    book.put(memory, "soon");
  }

  #targets(desired: Desired, pods: ReadonlyMap<string, ActualPod>): ProbeTarget[] {
    const { book } = this.#on, targets: ProbeTarget[] = [];
    for (const pod of desired.pods.values()) {
      const here = pods.get(pod.uid), sandbox = here?.sandboxes[0];
      if (!here || pod.deletion) continue;
      for (const [name, { id, state, startedAt }] of newest(here.containers)) {
        const container = [...pod.spec.containers, ...pod.spec.initContainers ?? []].find((one) => one.name === name);
        if (state !== "running" || !container) continue;
        const adopted = this.#adopted!.has(id), alreadyStarted = adopted && book.get(pod.uid)?.containers[name]?.started === true;
        const address = pod.spec.hostNetwork ? this.#options.place(undefined).hostIP : sandbox?.address;
        targets.push({ id, podUid: pod.uid, container, address, startedAt, adopted, alreadyStarted });
      }
    }
    return targets;
  }

  /** Somebody has set the wall clock, as on a board that begins in 1970: ages stay as they were. */
  #followClock(): void {
    const { clock, book, log } = this.#on, wall = clock.now(), monotonic = clock.monotonic();
    const jumpMs = (wall - this.#clock.wall) - (monotonic - this.#clock.monotonic);
    this.#clock = { wall, monotonic };
    if (Math.abs(jumpMs) < clockJumpMs) return;
    log.info("The clock was set", { byMs: Math.round(jumpMs) });
    book.shift(jumpMs);
  }
}

/** Between two looks, however many changes there are: bounds what a storm of events costs. */
const leastWaitMs = 5;
/** Less than that is drift. */
const clockJumpMs = 30_000;
const nothing: ActualPod = { sandboxes: [], containers: [] };

function byPod({ sandboxes, containers }: Actual): Map<string, ActualPod> {
  const pods = new Map<string, { sandboxes: Actual["sandboxes"][number][]; containers: Actual["containers"][number][] }>();
  const of = (uid: string) => {
    let pod = pods.get(uid);
    if (!pod) pods.set(uid, pod = { sandboxes: [], containers: [] });
    return pod;
  };
  for (const sandbox of sandboxes) of(sandbox.podUid).sandboxes.push(sandbox);
  for (const container of containers) of(container.podUid).containers.push(container);
  return pods;
}

function labelsOf(uid: string, { sandboxes, containers }: ActualPod): { uid: string; namespace: string; name: string } {
  const { podNamespace = "", podName = "" } = sandboxes[0] ?? containers[0] ?? {};
  return { uid, namespace: podNamespace, name: podName };
}

/** Of containers that do not run and may be started. */
function* wantedImages(desired: Desired, pods: ReadonlyMap<string, ActualPod>, book: Book, now: number): Iterable<string> {
  for (const pod of desired.pods.values()) {
    const memory = book.get(pod.uid);
    if (!memory || memory.over || pod.deletion) continue;
    for (const { current, done, container } of standings(pod, pods.get(pod.uid)?.containers ?? [], memory, now)) {
      if (current?.state !== "running" && !done) yield container.image ?? "";
    }
  }
}

/** Is what is being done no longer what should be done? */
function outdated(steps: readonly Step[], was: DesiredPod | undefined, is: DesiredPod | undefined): boolean {
  if (is === undefined || was === undefined) return is !== was;
  if (was.deletion?.graceSeconds !== is.deletion?.graceSeconds) return true;
  return steps.some((step) => step.do === "pull" && was.hashes.get(step.container) !== is.hashes.get(step.container));
}
