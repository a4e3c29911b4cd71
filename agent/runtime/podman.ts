// The container engine is Podman 4.3 or later, through its REST API. Podman holds all state: what is remembered here only saves a question (inspect answers, keyed
// by state) or is what Podman forgets (why a start failed, whom the kernel's OOM killer took). Restart the agent, or Podman's service: nothing is lost, nothing moves.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { ContainersApi, PodsApi, SystemApi } from "podman-api-client";
import { podmanHeadTimeoutMs } from "../../shared/limits.ts";
import { containerLabels } from "../../shared/names.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { cgroupStats } from "./cgroup_stats.ts";
import { endExecMonitors, reopenConmonLog } from "./conmon.ts";
import { qualified } from "./image_reference.ts";
import { leastOomScoreAdj } from "./oom_score.ts";
import { signalProcess } from "./liveness.ts";
import { NetworkNamespaces } from "./netns.ts";
import { attempt, status } from "./podman_errors.ts";
import { openProcess, runProcess } from "./podman_exec.ts";
import { PodmanImages, type PullOptions } from "./podman_images.ts";
import { ensureNetwork, type PodmanNetwork } from "./podman_network.ts";
import { detailOf, runs } from "./podman_observe.ts";
import { type ObserverDependencies, PodmanObserver } from "./podman_observer.ts";
import { containerCreateRequest, nameOfContainer, podCreateRequest, sandboxName, usesHostIpc } from "./podman_spec.ts";
import { type CallOptions, jsonLines, type PodmanTransport, PodmanUnavailable } from "./podman_transport.ts";
import {
  type Actual,
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerStats,
  type EngineInfo,
  type ExecResult,
  type ImageInfo,
  type LocalImage,
  type ProcessStreams,
  RuntimeError,
  type SandboxSpec,
} from "./runtime.ts";

export interface PodmanDependencies extends ObserverDependencies {
  /** Called when nobody answers at the socket, before one more try: starts the service if it is ours to start. */
  readonly revive?: () => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
/** How long the event stream may stay away, and how it comes back. */
const eventsBackoff = { baseMs: 500, capMs: 15_000 };
/** What a container does that may change what we should do. exec and its like happen all the time and change nothing. */
const eventsThatMatter = ["create", "start", "died", "remove"];

export class PodmanRuntime implements ContainerRuntime {
  readonly #transport: PodmanTransport;
  readonly #on: PodmanDependencies;
  readonly #network: string;
  readonly #observer: PodmanObserver;
  readonly #images: PodmanImages;
  readonly #namespaces: NetworkNamespaces;

  /** @param options `socketsDir` is the agent's alone */
  constructor(dependencies: PodmanDependencies, options: { network: string; socketsDir: string }) {
    this.#on = dependencies;
    this.#transport = dependencies.transport;
    this.#observer = new PodmanObserver(dependencies);
    this.#images = new PodmanImages(this.#transport);
    this.#network = options.network;
    this.#namespaces = new NetworkNamespaces(dependencies.clock, options.socketsDir);
  }

  get writes(): number {
    return this.#transport.writes;
  }

  async info(): Promise<EngineInfo> {
    const info = await attempt("ask Podman what it is", () => new SystemApi(this.#transport.with()).info());
    return {
      name: "podman",
      version: (info.version as { Version?: string } | undefined)?.Version ?? "",
      cgroupVersion: info.host?.cgroupVersion === "v2" ? 2 : 1,
      ociRuntime: info.host?.ociRuntime?.name ?? "",
    };
  }

  async observe(): Promise<Actual> {
    return await attempt("list containers", async () => {
      try {
        return await this.#observer.observe();
      } catch (error) {
        // A look is what the agent does first, and again and again: so it is here that a service that has died is brought back.
        if (!(error instanceof PodmanUnavailable) || this.#on.revive === undefined) throw error;
        await this.#on.revive();
        return await this.#observer.observe();
      }
    });
  }

  async createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<{ id: string }> {
    const what = `create sandbox ${sandboxName(spec)}`;
    return await attempt(what, async () => {
      const pods = this.#pods({ signal });
      const request = podCreateRequest(spec, this.#network) as never;
      try {
        return { id: (await pods.create(request)).Id! };
      } catch (error) {
        const existing = await pods.inspect(sandboxName(spec));
        if (existing === null) throw error;
        if (existing.InfraContainerID) throw new RuntimeError("AlreadyExists", `Cannot ${what}: it exists`, { cause: error });
        // Left half made by an engine that died: a pod without its infra container can do nothing and shows in no list.
        await pods.remove(existing.Id!, { force: true });
        return { id: (await pods.create(request)).Id! };
      }
    }, signal);
  }

  async startSandbox(id: string, signal?: AbortSignal): Promise<{ address: string | undefined }> {
    return await attempt(
      `start sandbox ${id}`,
      async () => {
        const infra = await this.#infra(id, signal);
        // The infra container alone: starting the pod would start every member, in no order.
        await this.#containers({ signal }).start(infra);
        const inspected = await this.#containers({ signal }).inspect(infra);
        return { address: inspected === null ? undefined : detailOf(inspected).address };
      },
      signal,
      "Start",
    );
  }

  async #infra(sandboxId: string, signal?: AbortSignal): Promise<string> {
    const pod = await this.#pods({ signal }).inspect(sandboxId);
    if (!pod?.InfraContainerID) throw new RuntimeError("NotFound", `Cannot find sandbox ${sandboxId}: Podman has no such pod`);
    return pod.InfraContainerID;
  }

  async removeSandbox(id: string, signal?: AbortSignal): Promise<void> {
    await attempt(`remove sandbox ${id}`, async () => {
      const pod = await this.#pods({ signal }).inspect(id);
      if (pod === null) return;
      // One by one, because removing a pod gives each member its whole stop timeout, one after another.
      for (const { Id } of pod.Containers ?? []) {
        if (Id !== undefined && Id !== pod.InfraContainerID) await this.removeContainer(Id, signal);
      }
      if (pod.InfraContainerID) {
        await this.#killOrphan(pod.InfraContainerID, 0);
        const infra = await this.#containers({ signal }).inspect(pod.InfraContainerID);
        if (pod.CgroupPath) await endExecMonitors(pod.CgroupPath, infra?.State?.ConmonPid || undefined);
      }
      await this.#pods({ signal }).remove(id, { force: true, timeout: 0 } as never);
    }, signal);
  }

  async createContainer(sandboxId: string, spec: ContainerSpec, signal?: AbortSignal): Promise<{ id: string }> {
    const name = nameOfContainer(spec);
    return await attempt(`create container ${name}`, async () => {
      const containers = this.#containers({ signal });
      await mkdir(dirname(spec.logPath), { recursive: true, mode: 0o700 }); // conmon makes the file, not its directory
      const pod = await this.#pods({ signal }).inspect(sandboxId);
      if (pod === null) throw new RuntimeError("NotFound", `Cannot create container ${name}: sandbox ${sandboxId} is gone`);
      const request = containerCreateRequest(sandboxId, asGranted(spec), {
        hostIpc: usesHostIpc(pod.SharedNamespaces ?? []),
      });
      try {
        return { id: (await containers.create(request)).Id! };
      } catch (error) {
        if (status(error) !== 500) throw error;
        // Podman 4 says 500 to all of these; its state says which.
        if (await containers.exists(name)) {
          throw new RuntimeError("AlreadyExists", `Cannot create container ${name}: it exists`, { cause: error });
        }
        if (!await this.#images.has(spec.image, signal)) {
          throw new RuntimeError("ImageMissing", `Cannot create container ${name}: image ${spec.image} is not on this node`, {
            cause: error,
          });
        }
        throw error;
      }
    }, signal);
  }

  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await attempt(`start container ${id.slice(0, 12)}`, () => this.#containers({ signal }).start(id), signal, "Start");
      this.#observer.startFailed(id, undefined);
    } catch (error) {
      if (error instanceof RuntimeError && error.reason === "Start") this.#observer.startFailed(id, (error.cause as Error).message);
      throw error;
    }
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    await attempt(`stop container ${id.slice(0, 12)}`, async () => {
      if (await this.#killOrphan(id, graceSeconds, signal)) return;
      try {
        const call = { signal, headTimeoutMs: graceSeconds * 1000 + podmanHeadTimeoutMs };
        await this.#containers(call).stop(id, { timeout: graceSeconds } as never);
      } catch (error) {
        if (status(error) !== 404) throw error;
      }
    }, signal);
  }

  async removeContainer(id: string, signal?: AbortSignal): Promise<void> {
    await attempt(`remove container ${id.slice(0, 12)}`, async () => {
      await this.#killOrphan(id, 0, signal);
      await this.#containers({ signal }).remove(id, { force: true, timeout: 0, v: true } as never);
    }, signal);
  }

  /** Ends a running container whose monitor was killed; Podman's own stop would wait for that monitor for ever. False: it is no such container. */
  async #killOrphan(id: string, graceSeconds: number, signal?: AbortSignal): Promise<boolean> {
    const state = (await this.#containers({ signal }).inspect(id))?.State;
    if (!state?.Running || !state.Pid || (state.ConmonPid && this.#on.liveness.monitor(state.ConmonPid))) return false;
    const gone = () => !this.#on.liveness.process(state.Pid!, id);
    const deadline = this.#on.clock.monotonic() + graceSeconds * 1000;
    if (graceSeconds > 0 && !gone()) signalProcess(state.Pid, "SIGTERM");
    while (!gone()) {
      if (this.#on.clock.monotonic() >= deadline) signalProcess(state.Pid, "SIGKILL");
      await sleep(this.#on.clock, 50, signal);
    }
    return true;
  }

  image(reference: string): Promise<ImageInfo | undefined> {
    return this.#images.image(reference);
  }
  images(): Promise<readonly LocalImage[]> {
    return this.#images.all();
  }
  removeImage(id: string, signal?: AbortSignal): Promise<void> {
    return this.#images.remove(id, signal);
  }
  pull(reference: string, options: PullOptions): Promise<ImageInfo> {
    return this.#images.pull(reference, options);
  }

  async exec(containerId: string, command: readonly string[], options: { timeoutMs: number; maxOutputBytes: number }): Promise<ExecResult> {
    return await attempt(
      `run ${command[0]} in ${containerId.slice(0, 12)}`,
      () => runProcess(this.#on, containerId, command, options),
    );
  }

  async open(
    containerId: string,
    command: readonly string[] | undefined,
    options: { stdin: boolean; tty: boolean },
  ): Promise<ProcessStreams> {
    const what = command === undefined ? `attach to ${containerId.slice(0, 12)}` : `run ${command[0]} in ${containerId.slice(0, 12)}`;
    return await attempt(what, () => openProcess(this.#on, containerId, command, options));
  }

  /** From the kernel's cgroup files: Podman's own stats cost its service 10 MiB and 100 ms a call. */
  async stats(): Promise<readonly ContainerStats[]> {
    return await attempt("measure containers", async () => {
      const running = (await this.#observer.list()).filter((entry) => runs(entry) && entry.Pid);
      const all = await Promise.all(running.map((entry) => cgroupStats(entry.Id!, entry.Pid!)));
      return all.filter((one) => one !== undefined);
    });
  }

  async connect(containerId: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const inspected = await attempt("look where a container runs", () => this.#containers({ signal }).inspect(containerId), signal);
    const { Pid: pid = 0 } = (inspected?.State ?? {}) as { Pid?: number };
    if (pid === 0) throw new RuntimeError("NotFound", "the container does not run");
    return await this.#namespaces.connect(pid, port, signal);
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    let delayMs = 0;
    while (!signal.aborted) {
      try {
        await this.#events(() => {
          delayMs = 0;
          changed();
        }, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#on.log.info("Podman's event stream broke off", { error });
      }
      delayMs = nextDelay(eventsBackoff, delayMs, this.#on.random);
      await sleep(this.#on.clock, delayMs, signal).catch(() => {}); // an abort ends the loop above
      if (!signal.aborted) changed(); // whatever happened meanwhile was not told
    }
  }

  async #events(changed: () => void, signal: AbortSignal): Promise<void> {
    // A filter by label key alone matches no event on 4.3, so the labels are looked at here.
    const filters = encodeURIComponent(JSON.stringify({ type: ["container"], event: eventsThatMatter }));
    const response = await this.#transport.call("GET", `/events?stream=true&filters=${filters}`, undefined, {}, {
      signal,
      headTimeoutMs: Infinity,
    });
    for await (const event of jsonLines(response.body ?? new Response("").body!)) {
      const { Attributes } = (event.Actor ?? {}) as { Attributes?: Record<string, string> };
      if (Attributes?.[containerLabels.podUid] !== undefined) changed();
    }
  }

  async reopenLog(id: string): Promise<void> {
    await attempt(`reopen the log of ${id.slice(0, 12)}`, async () => {
      const inspected = await this.#containers().inspect(id);
      if (inspected?.OCIConfigPath) await reopenConmonLog(inspected.OCIConfigPath);
    });
  }

  /** @throws RuntimeError AlreadyExists if a link of the bridge's name stands there without the network */
  async ensureNetwork(wanted: PodmanNetwork): Promise<void> {
    await attempt(`make network ${wanted.name}`, () => ensureNetwork(this.#transport, wanted));
  }

  #containers = (options: CallOptions = {}) => new ContainersApi(this.#transport.with(options));
  #pods = (options: CallOptions = {}) => new PodsApi(this.#transport.with(options));
}

/** What is wanted, in the words and within the rights of this machine. */
const asGranted = (spec: ContainerSpec): ContainerSpec => ({
  ...spec,
  image: qualified(spec.image),
  oomScoreAdj: Math.max(spec.oomScoreAdj, leastOomScoreAdj()),
});
