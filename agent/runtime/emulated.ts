// The container runtime of emulated devices: ContainerRuntime in front of an EmulatedEngine. Same promises as Podman's, held by the same contract test.
import type { Duplex } from "node:stream";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { aborted } from "../../shared/util/signal.ts";
import { type EmulatedContainer, type EmulatedEngine, emulatedImage, unavailable } from "./emulated_engine.ts";
import { type Act, exitCode, program } from "./emulated_program.ts";
import { connectToPretended } from "./emulated_server.ts";
import { qualified } from "./image_reference.ts";
import {
  type Actual,
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerStats,
  type EngineInfo,
  type ExecResult,
  type ImageInfo,
  type LocalImage,
  notRunning,
  type ProcessStreams,
  RuntimeError,
  type SandboxSpec,
} from "./runtime.ts";

/** What a pretended container uses: a hundredth of a core, and 20 MiB. */
const cpuShare = 0.01, memoryBytes = 20 * 1024 * 1024;

export class EmulatedRuntime implements ContainerRuntime {
  readonly #engine: EmulatedEngine;
  readonly #clock: Clock;
  #writes = 0;

  constructor(engine: EmulatedEngine) {
    this.#engine = engine;
    this.#clock = engine.clock;
  }
  get writes(): number {
    return this.#writes;
  }
  #ask(): EmulatedEngine {
    if (this.#engine.unavailable) throw unavailable();
    return this.#engine;
  }
  #change(): EmulatedEngine {
    this.#writes++;
    return this.#ask();
  }

  async info(): Promise<EngineInfo> {
    this.#ask();
    return { name: "emulated", version: "1", cgroupVersion: 2, ociRuntime: "none" };
  }

  async observe(): Promise<Actual> {
    const engine = this.#ask();
    return {
      sandboxes: [...engine.sandboxes.values()].map(({ id, spec, state, address, createdAt }) => {
        const { podUid, podNamespace, podName, specHash } = spec;
        return { podUid, podNamespace, podName, specHash, id, state, address, createdAt };
      }),
      containers: [...engine.containers.values()].map((one) => {
        const { podUid, podNamespace, podName, specHash, container, attempt, image } = one.spec;
        const { id, state, startedAt, finishedAt, exitCode, oomKilled, error } = one;
        const pid = state === "running" ? pidOf(one) : undefined;
        const image_ = { imageRef: image, imageId: emulatedImage(image).id };
        return {
          podUid,
          podNamespace,
          podName,
          specHash,
          id,
          container,
          attempt,
          state,
          ...image_,
          pid,
          startedAt,
          finishedAt,
          exitCode,
          oomKilled,
          error,
        };
      }),
    };
  }

  async createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<{ id: string }> {
    signal?.throwIfAborted();
    return { id: this.#change().createSandbox(spec) };
  }
  async startSandbox(id: string, signal?: AbortSignal): Promise<{ address: string | undefined }> {
    await this.#pass("startMs", signal);
    return { address: this.#change().startSandbox(id) };
  }
  async removeSandbox(id: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#change().removeSandbox(id);
  }
  async createContainer(sandboxId: string, spec: ContainerSpec, signal?: AbortSignal): Promise<{ id: string }> {
    signal?.throwIfAborted();
    return { id: this.#change().createContainer(sandboxId, { ...spec, image: qualified(spec.image) }) };
  }
  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    await this.#pass("startMs", signal);
    this.#change().startContainer(id);
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const container = this.#change().containers.get(id);
    if (container === undefined || container.state !== "running") return;
    await this.#pass("stopMs", signal);
    if (this.#ask().terminate(container)) return;
    for (const end = this.#clock.monotonic() + graceSeconds * 1000; container.state === "running" && this.#clock.monotonic() < end;) {
      await sleep(this.#clock, end - this.#clock.monotonic(), signal);
    }
    this.#ask().kill(container);
  }
  async removeContainer(id: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#change().removeContainer(id);
  }

  async image(reference: string): Promise<ImageInfo | undefined> {
    const name = qualified(reference);
    return this.#ask().images.has(name) ? emulatedImage(name) : undefined;
  }
  async images(): Promise<readonly LocalImage[]> {
    const used = new Set([...this.#ask().containers.values()].map(({ spec }) => spec.image));
    return [...this.#engine.images].map((name) => {
      const { id, digests, sizeBytes } = emulatedImage(name);
      return { id, names: [name, ...digests], sizeBytes, used: used.has(name) };
    });
  }
  async removeImage(id: string): Promise<void> {
    const { images } = this.#change();
    for (const name of images) if (emulatedImage(name).id === id) images.delete(name);
  }
  async pull(reference: string, options: { auth?: string; signal?: AbortSignal; progress?(line: string): void }): Promise<ImageInfo> {
    const name = qualified(reference);
    options.progress?.(`Trying to pull ${name}...`);
    await this.#pass("pullMs", options.signal);
    const fault = this.#change().fault((one) => one.at === "pull" && qualified(one.image) === name);
    if (fault?.at === "pull") throw new RuntimeError("ImagePull", `Cannot pull image ${reference}: ${fault.message}`);
    this.#engine.images.add(name);
    return emulatedImage(name);
  }

  async exec(containerId: string, command: readonly string[], options: { timeoutMs: number; maxOutputBytes: number }): Promise<ExecResult> {
    const acts = this.#processIn(containerId, command);
    const deadline = this.#clock.monotonic() + options.timeoutMs;
    let output = "";
    for (const act of acts) {
      if (act.do === "print") output += act.text;
      const ms = act.do === "sleep" ? act.ms : act.do === "serve" ? Infinity : 0; // stdin is closed: cat ends at once
      const left = deadline - this.#clock.monotonic();
      await pass(this.#clock, Math.min(ms, left));
      if (ms > left) throw new RuntimeError("Timeout", `Cannot run ${command[0]}: it has not ended within ${options.timeoutMs} ms`);
    }
    return { exitCode: exitCode(acts), output: output.slice(0, options.maxOutputBytes) };
  }

  async open(
    containerId: string,
    command: readonly string[] | undefined,
    options: { stdin: boolean; tty: boolean },
  ): Promise<ProcessStreams> {
    const acts = command === undefined ? [] : this.#processIn(containerId, command);
    const container = this.#ask().container(containerId);
    if (container.state !== "running") throw notRunning(containerId);
    const stdin = options.stdin ? new TransformStream<Uint8Array, Uint8Array>() : undefined;
    const stdout = new TransformStream<Uint8Array, Uint8Array>(),
      stderr = options.tty ? undefined : new TransformStream<Uint8Array, Uint8Array>();
    const done = (async () => {
      const out = stdout.writable.getWriter(), err = stderr?.writable.getWriter();
      for (const act of acts) {
        if (act.do === "print") await (act.stream === "stdout" || err === undefined ? out : err).write(new TextEncoder().encode(act.text));
        if (act.do === "sleep") await pass(this.#clock, act.ms);
        if (act.do === "cat" && stdin) {
          for await (const bytes of stdin.readable as unknown as AsyncIterable<Uint8Array>) await out.write(bytes);
        }
        if (act.do === "serve") await this.#ended(container);
      }
      if (command === undefined) await this.#ended(container);
      await Promise.all([out.close(), err?.close()]);
      return command === undefined ? container.exitCode ?? 0 : exitCode(acts);
    })();
    done.catch(() => {}); // whoever awaits `done` hears of it; nobody has to
    return { stdin: stdin?.writable, stdout: stdout.readable, stderr: stderr?.readable, resize: () => Promise.resolve(), done };
  }

  #processIn(containerId: string, command: readonly string[]): readonly Act[] {
    const container = this.#ask().container(containerId);
    if (container.state !== "running") throw new RuntimeError("Engine", `Cannot run ${command[0]}: container ${containerId} does not run`);
    const failure = this.#engine.fault((one) => one.at === "start" && one.command === command[0]);
    if (failure?.at === "start") return [{ do: "print", stream: "stderr", text: `${failure.message}\n` }, { do: "exit", code: 127 }];
    const sandbox = this.#engine.sandboxes.get(container.sandboxId);
    return program(command, { hostname: sandbox?.spec.hostname ?? "", env: {} }, "succeeds");
  }

  /** Resolves once the container has ended or is gone. */
  async #ended(container: EmulatedContainer): Promise<void> {
    const over = () => container.state === "exited" || !this.#engine.containers.has(container.id);
    if (over()) return;
    await new Promise<void>((resolve) => {
      const stop = this.#engine.onChange(() => {
        if (!over()) return;
        stop();
        resolve();
      });
    });
  }

  /** Every port is open while a container of the pod serves. */
  async connect(containerId: string, port: number): Promise<Duplex> {
    const { sandboxId } = this.#ask().container(containerId), sandbox = this.#engine.sandboxes.get(sandboxId);
    const serves = [...this.#engine.containers.values()].some((one) =>
      one.sandboxId === sandboxId && one.state === "running" && one.acts.some((act) => act.do === "serve")
    );
    if (!serves) throw new RuntimeError("Refused", `dial tcp4 127.0.0.1:${port}: connect: connection refused`);
    return connectToPretended(sandbox?.spec.hostname ?? "");
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const now = this.#clock.now();
    return [...this.#ask().containers.values()].filter((one) => one.state === "running").map(({ id, startedAt }) => ({
      id,
      cpuNanoseconds: Math.round(Math.max(0, now - startedAt!) * 1e6 * cpuShare),
      memoryBytes,
    }));
  }
  reopenLog(): Promise<void> {
    return Promise.resolve(); // every line opens the file anew
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const stop = this.#engine.onChange(changed);
    await aborted(signal);
    stop();
  }

  async #pass(what: "pullMs" | "startMs" | "stopMs", signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const ms = this.#engine.delayMs(this.#engine.options[what]);
    if (ms > 0) await sleep(this.#clock, ms, signal);
  }
}

const pass = (clock: Clock, ms: number): Promise<void> => ms > 0 ? sleep(clock, ms) : Promise.resolve();
const pidOf = (container: EmulatedContainer): number => 1000 + Number.parseInt(container.id.slice(1), 16);
