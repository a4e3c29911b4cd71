// Probes the containers that run. It is told after each look which these are, keeps one loop for each probe, and says when a verdict has changed.
import type { Container } from "../../shared/api/kinds/pod/container.ts";
import type { Probe } from "../../shared/api/kinds/pod/probe.ts";
import { probeReplyBytes, probesAtOnce } from "../../shared/limits.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import { grpcCheck } from "./grpc.ts";
import { httpGet, type ProbeResult } from "./http.ts";
import { portNumber } from "./port.ts";
import { advance, type Counts, firstDelayMs, type ProbeKind, type ProbeResults, unprobed } from "./probe.ts";
import { tcpConnect } from "./tcp.ts";

/** A container that runs. */
export interface ProbeTarget {
  readonly id: string;
  readonly podUid: string;
  readonly container: Container;
  /** Of the pod, or of the node for a pod in its network. */
  readonly address: string | undefined;
  /** ms since 1970. */
  readonly startedAt: number | undefined;
  /** It ran before this agent did: its startup probe has passed, and its fellows on this node must not all be probed at once. */
  readonly adopted: boolean;
  readonly alreadyStarted: boolean;
}
/** How a probe reaches a pod over the network. Emulated pods have none: theirs always answer. */
export interface Checks {
  readonly http: typeof httpGet;
  readonly tcp: typeof tcpConnect;
  readonly grpc: typeof grpcCheck;
}
const networkChecks: Checks = { http: httpGet, tcp: tcpConnect, grpc: grpcCheck };
const answers = (): Promise<ProbeResult> => Promise.resolve({ healthy: true, message: "" });
/** For pods whose address is pretended: over the network somebody else would answer. */
export const pretendedChecks: Checks = { http: answers, tcp: answers, grpc: answers };

export interface ProberDependencies {
  /** Default: the network. */
  readonly checks?: Checks | undefined;
  readonly runtime: Pick<ContainerRuntime, "exec">;
  readonly clock: Clock;
  readonly random: Random;
  /** A verdict has changed. */
  changed(): void;
  unhealthy(target: ProbeTarget, kind: ProbeKind, message: string): void;
}
interface Watched {
  target: ProbeTarget;
  readonly stop: AbortController;
  results: ProbeResults;
  loops: Promise<void>;
}

export class Prober {
  readonly #on: ProberDependencies;
  readonly #watched = new Map<string, Watched>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(on: ProberDependencies) {
    this.#on = on;
  }

  /** Containers that are no longer named here are left alone from now on. */
  sync(targets: readonly ProbeTarget[]): void {
    const named = new Set(targets.map(({ id }) => id));
    for (const [id, { stop }] of this.#watched) {
      if (named.has(id)) continue;
      stop.abort();
      this.#watched.delete(id);
    }
    for (const target of targets) {
      const { livenessProbe, readinessProbe, startupProbe } = target.container;
      if (!livenessProbe && !readinessProbe && !startupProbe) continue;
      const known = this.#watched.get(target.id);
      if (known) {
        known.target = target; // probes may have changed: the next round asks as it is now
        continue;
      }
      const results = startupProbe && target.alreadyStarted ? { startup: true } : {};
      const watched: Watched = { target, stop: new AbortController(), results, loops: Promise.resolve() };
      this.#watched.set(target.id, watched);
      watched.loops = this.#watch(watched);
    }
  }
  /** By container id. */
  get results(): ReadonlyMap<string, ProbeResults> {
    return new Map([...this.#watched].map(([id, { results }]) => [id, results]));
  }
  /** Resolves when no probe runs any more. */
  async close(): Promise<void> {
    const loops = [...this.#watched.values()].map(({ loops }) => loops);
    this.sync([]);
    await Promise.all(loops);
  }

  async #watch(watched: Watched): Promise<void> {
    const { signal } = watched.stop;
    try {
      if (watched.target.container.startupProbe && watched.results.startup !== true) await this.#loop(watched, "startup", signal);
      if (watched.results.startup === false) return; // it is about to be stopped
      await Promise.all([this.#loop(watched, "liveness", signal), this.#loop(watched, "readiness", signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #loop(watched: Watched, kind: ProbeKind, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#on;
    const first = probeOf(watched, kind);
    if (!first) return;
    const ranMs = watched.target.startedAt === undefined ? 0 : clock.now() - watched.target.startedAt;
    const spread = watched.target.adopted ? random() * periodMs(first) : 0;
    await sleep(clock, firstDelayMs(first, ranMs) + spread, signal);
    let counts: Counts = unprobed;
    for (let probe: Probe | undefined = first; probe; probe = probeOf(watched, kind)) {
      const began = clock.monotonic();
      const result = await this.#turn(signal, () => this.#ask(watched.target, probe!));
      signal.throwIfAborted();
      const before = counts.verdict;
      counts = advance(counts, result.healthy, probe);
      if (!result.healthy) this.#on.unhealthy(watched.target, kind, result.message);
      if (counts.verdict !== before) {
        watched.results = { ...watched.results, [kind]: counts.verdict! };
        this.#on.changed();
      }
      if (kind === "startup" && counts.verdict !== undefined) return;
      await sleep(clock, Math.max(0, periodMs(probe) - (clock.monotonic() - began)), signal);
    }
  }

  async #turn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    while (this.#running >= probesAtOnce) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#running++;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#running--;
      this.#queue.shift()?.();
    }
  }

  async #ask({ id, container, address }: ProbeTarget, probe: Probe): Promise<ProbeResult> {
    const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000;
    const { checks = networkChecks } = this.#on;
    const host = (own: string | undefined): string => own || address || "127.0.0.1";
    try {
      if (probe.exec) {
        const { exitCode, output } = await this.#on.runtime.exec(id, probe.exec.command ?? [], {
          timeoutMs,
          maxOutputBytes: probeReplyBytes,
        });
        return { healthy: exitCode === 0, message: output.trim() || `command ended with status ${exitCode}` };
      }
      if (probe.httpGet) {
        return await checks.http(this.#on, probe.httpGet, host(probe.httpGet.host), portNumber(probe.httpGet.port, container), timeoutMs);
      }
      if (probe.tcpSocket) {
        return await checks.tcp(this.#on, host(probe.tcpSocket.host), portNumber(probe.tcpSocket.port, container), timeoutMs);
      }
      if (probe.grpc) return await checks.grpc(this.#on, host(undefined), probe.grpc.port, probe.grpc.service ?? "", timeoutMs);
      return { healthy: true, message: "" };
    } catch (error) {
      return { healthy: false, message: (error as Error).message };
    }
  }
}

const probeOf = ({ target: { container } }: Watched, kind: ProbeKind): Probe | undefined =>
  ({ startup: container.startupProbe, liveness: container.livenessProbe, readiness: container.readinessProbe })[kind];
const periodMs = (probe: Probe): number => Math.max(1, probe.periodSeconds ?? 10) * 1000;
