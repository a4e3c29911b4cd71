// A pretended container engine: what Podman is to a real device. It outlives the agent that talks to it (emulated.ts is the client), so an agent's restart finds its
// containers again. Thousands live in one process: a device costs a few maps, a container some 300 bytes and a timer only if it will end by itself.
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock, Random } from "../../shared/util/clock.ts";
import { type Act, durationMs, exitCode, hearsSigterm, program } from "./emulated_program.ts";
import { qualified } from "./image_reference.ts";
import { type ContainerSpec, type ImageInfo, RuntimeError, type SandboxSpec, type SandboxState } from "./runtime.ts";

/** Something that goes wrong. `times` counts down; without it, always. */
export type Fault =
  & { times?: number }
  & (
    | { readonly at: "pull"; readonly image: string; readonly message: string }
    /** A command that cannot be run, or an image none of whose containers start. Of exec: status 127. */
    | { readonly at: "start"; readonly image?: string; readonly command?: string; readonly message: string }
    | {
      readonly at: "run";
      readonly image?: string;
      readonly container?: string;
      readonly afterMs: number;
      readonly exitCode: number;
      readonly oomKilled?: boolean;
    }
  );
export interface EmulatedOptions {
  /** How long things take, in ms; a function of chance where given as a range. Default: at once. */
  readonly pullMs?: readonly [number, number];
  readonly startMs?: readonly [number, number];
  readonly stopMs?: readonly [number, number];
  /** Images that are there without a pull. */
  readonly images?: readonly string[];
  /** Shared by as many devices as the caller likes, and changed while they run. */
  readonly faults?: readonly Fault[];
  /** Whether containers write what they print to their `logPath`. Default false: a fleet of thousands would fill the disk. */
  readonly writeLogs?: boolean;
}

export interface EmulatedSandbox {
  readonly id: string;
  readonly spec: Pick<SandboxSpec, "podUid" | "podNamespace" | "podName" | "specHash" | "hostname">;
  readonly wantedAddress: string | undefined;
  readonly createdAt: number;
  address: string | undefined;
  state: SandboxState;
}
export interface EmulatedContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly spec: Pick<ContainerSpec, "podUid" | "podNamespace" | "podName" | "specHash" | "container" | "attempt" | "image" | "logPath">;
  readonly acts: readonly Act[];
  readonly command: string | undefined;
  state: "created" | "running" | "exited";
  startedAt: number | undefined;
  finishedAt: number | undefined;
  exitCode: number | undefined;
  oomKilled: boolean;
  error: string | undefined;
}
/** What a device has on its disk: JSON. */
export interface EmulatedState {
  readonly nextId: number;
  readonly images: readonly string[];
  readonly sandboxes: readonly EmulatedSandbox[];
  readonly containers: readonly EmulatedContainer[];
}

export class EmulatedEngine {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: EmulatedOptions;
  readonly images: Set<string>;
  readonly sandboxes = new Map<string, EmulatedSandbox>();
  readonly containers = new Map<string, EmulatedContainer>();
  /** While true, every call fails as if nobody listened at the socket. */
  unavailable = false;
  #nextId: number;
  readonly #ends = new Map<string, () => void>();
  readonly #listeners = new Set<() => void>();

  constructor(on: { clock: Clock; random: Random }, options: EmulatedOptions = {}, state?: EmulatedState) {
    this.clock = on.clock;
    this.random = on.random;
    this.options = options;
    this.images = new Set((state?.images ?? options.images ?? []).map(qualified));
    this.#nextId = state?.nextId ?? 1;
    for (const sandbox of state?.sandboxes ?? []) this.sandboxes.set(sandbox.id, { ...sandbox });
    for (const container of state?.containers ?? []) this.containers.set(container.id, { ...container });
    // They ran on while nobody pretended; whoever should have ended meanwhile ends now.
    for (const container of this.containers.values()) {
      if (container.state === "running") this.#schedule(container, this.clock.now() - container.startedAt!);
    }
  }

  save(): EmulatedState {
    return {
      nextId: this.#nextId,
      images: [...this.images],
      sandboxes: [...this.sandboxes.values()],
      containers: [...this.containers.values()],
    };
  }
  /** Stops pretending: timers are cancelled, the state stays as it is. */
  close(): void {
    for (const cancel of this.#ends.values()) cancel();
    this.#ends.clear();
  }

  /** The power goes: what ran is gone and will be found as Podman shows it after a boot. */
  powerCut(): void {
    for (const sandbox of this.sandboxes.values()) if (sandbox.state === "ready") this.loseSandbox(sandbox.id);
    for (const container of this.containers.values()) {
      if (container.state === "running") this.#exit(container, 137, { error: "the machine went down while it ran", finishedAt: undefined });
    }
  }
  loseSandbox(id: string): void {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) return;
    sandbox.state = "lost";
    sandbox.address = undefined;
    this.#changed();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  createSandbox(spec: SandboxSpec): string {
    for (const other of this.sandboxes.values()) {
      if (other.spec.podUid === spec.podUid) {
        throw new RuntimeError("AlreadyExists", `Cannot create sandbox ${spec.podNamespace}/${spec.podName}: it exists`);
      }
    }
    const { podUid, podNamespace, podName, specHash, hostname } = spec;
    const id = this.#id();
    this.sandboxes.set(id, {
      id,
      spec: { podUid, podNamespace, podName, specHash, hostname },
      wantedAddress: spec.hostNetwork ? undefined : spec.address ?? this.#freeAddress(),
      createdAt: this.clock.now(),
      address: undefined,
      state: "created",
    });
    this.#changed();
    return id;
  }

  startSandbox(id: string): string | undefined {
    const sandbox = this.#sandbox(id);
    if (sandbox.state === "lost") throw new RuntimeError("Start", `Cannot start sandbox ${id}: it is lost`);
    if (sandbox.state === "created") {
      if (sandbox.wantedAddress !== undefined && this.#taken(sandbox.wantedAddress)) {
        throw new RuntimeError("AddressTaken", `Cannot start sandbox ${id}: address ${sandbox.wantedAddress} is already allocated`);
      }
      sandbox.state = "ready";
      sandbox.address = sandbox.wantedAddress;
      this.#changed();
    }
    return sandbox.address;
  }

  removeSandbox(id: string): void {
    for (const container of this.containers.values()) if (container.sandboxId === id) this.removeContainer(container.id);
    if (this.sandboxes.delete(id)) this.#changed();
  }

  createContainer(sandboxId: string, spec: ContainerSpec): string {
    const sandbox = this.#sandbox(sandboxId);
    const { podUid, podNamespace, podName, specHash, container, attempt, image, logPath } = spec;
    if (!this.images.has(image)) {
      throw new RuntimeError("ImageMissing", `Cannot create container ${container}: image ${image} is not on this node`);
    }
    for (const { sandboxId: of, spec: other } of this.containers.values()) {
      if (of === sandboxId && other.container === container && other.attempt === attempt) {
        throw new RuntimeError("AlreadyExists", `Cannot create container ${container}: attempt ${attempt} exists`);
      }
    }
    const command = [...(spec.command ?? []), ...(spec.args ?? [])];
    const id = this.#id();
    this.containers.set(id, {
      id,
      sandboxId,
      spec: { podUid, podNamespace, podName, specHash, container, attempt, image, logPath },
      acts: command.length === 0 ? server : program(command, { hostname: sandbox.spec.hostname, env: spec.env }, "serves"),
      command: command[0],
      state: "created",
      startedAt: undefined,
      finishedAt: undefined,
      exitCode: undefined,
      oomKilled: false,
      error: undefined,
    });
    this.#changed();
    return id;
  }

  startContainer(id: string): void {
    const container = this.container(id);
    if (container.state === "running") return;
    if (this.sandboxes.get(container.sandboxId)?.state !== "ready") {
      throw new RuntimeError("Start", `Cannot start container ${id}: its sandbox does not run`);
    }
    const { image } = container.spec;
    const failure = this.fault((fault) => fault.at === "start" && matches(fault.image, image) && matches(fault.command, container.command));
    if (failure?.at === "start") {
      container.error = failure.message;
      throw new RuntimeError("Start", `Cannot start container ${id}: ${failure.message}`, { cause: new Error(failure.message) });
    }
    Object.assign(container, {
      state: "running",
      startedAt: this.clock.now(),
      finishedAt: undefined,
      exitCode: undefined,
      error: undefined,
    });
    for (const act of container.acts) if (act.do === "print") this.#print(container, act.stream, act.text);
    this.#schedule(container, 0);
    this.#changed();
  }

  /** Plans the end of a container that has run for `agedMs`. */
  #schedule(container: EmulatedContainer, agedMs: number): void {
    const { spec, acts } = container;
    const fault = this.fault((one) => one.at === "run" && matches(one.image, spec.image) && matches(one.container, spec.container));
    const after = fault?.at === "run" ? fault.afterMs : durationMs(acts);
    if (after === Infinity) return;
    const end = fault?.at === "run" ? fault : { exitCode: exitCode(acts), oomKilled: false };
    const finish = () => this.#exit(container, end.exitCode, { oomKilled: end.oomKilled ?? false });
    this.#ends.set(container.id, this.clock.after(Math.max(0, after - agedMs), finish));
  }

  #exit(container: EmulatedContainer, code: number, more: Partial<EmulatedContainer> = {}): void {
    this.#ends.get(container.id)?.();
    this.#ends.delete(container.id);
    Object.assign(container, { state: "exited", finishedAt: this.clock.now(), exitCode: code, ...more });
    this.#changed();
  }

  /** SIGTERM. True if that ended it. */
  terminate(container: EmulatedContainer): boolean {
    if (container.state === "running" && hearsSigterm(container.acts)) this.#exit(container, 0);
    return container.state !== "running";
  }
  /** SIGKILL. */
  kill(container: EmulatedContainer): void {
    if (container.state === "running") this.#exit(container, 137);
  }

  removeContainer(id: string): void {
    this.#ends.get(id)?.();
    this.#ends.delete(id);
    if (this.containers.delete(id)) this.#changed();
  }

  container(id: string): EmulatedContainer {
    const container = this.containers.get(id);
    if (container === undefined) {
      throw new RuntimeError("NotFound", `Cannot find container ${id}: the emulated engine has no such container`);
    }
    return container;
  }
  #sandbox(id: string): EmulatedSandbox {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) throw new RuntimeError("NotFound", `Cannot find sandbox ${id}: the emulated engine has no such sandbox`);
    return sandbox;
  }

  /** The first fault that fits and is not used up; uses it once. */
  fault(fits: (fault: Fault) => boolean): Fault | undefined {
    const fault = this.options.faults?.find((one) => (one.times ?? 1) > 0 && fits(one));
    if (fault?.times !== undefined) fault.times--;
    return fault;
  }
  /** Milliseconds that something takes. */
  delayMs([low, high]: readonly [number, number] = [0, 0]): number {
    return low + this.random() * (high - low);
  }

  #print(container: EmulatedContainer, stream: string, text: string): void {
    if (!this.options.writeLogs) return;
    mkdirSync(dirname(container.spec.logPath), { recursive: true });
    const time = new Date(this.clock.now()).toISOString();
    for (const line of text.split("\n").slice(0, -1)) {
      appendFileSync(container.spec.logPath, `${time} ${stream} F ${line}\n`, { mode: 0o600 });
    }
  }

  #taken = (address: string): boolean => [...this.sandboxes.values()].some((other) => other.address === address);
  #freeAddress(): string {
    const used = new Set([...this.sandboxes.values()].map((one) => one.wantedAddress));
    for (let host = 2; host < 65_000; host++) {
      const address = `10.88.${host >> 8}.${host & 255}`;
      if (!used.has(address)) return address;
    }
    throw new RuntimeError("AddressTaken", "Cannot create sandbox: no address is free");
  }
  #id = (): string => `e${(this.#nextId++).toString(16).padStart(15, "0")}`;
}

const server: readonly Act[] = [{ do: "serve" }];
const matches = (wanted: string | undefined, actual: string | undefined): boolean => wanted === undefined || wanted === actual;

/** Every reference is an image of its own; the id is made from the name, so that all devices agree on it. */
export function emulatedImage(reference: string): ImageInfo {
  let hash = 0xcbf29ce484222325n; // FNV-1a, 64 bit: an id, not a promise
  for (const char of reference) hash = BigInt.asUintN(64, (hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n);
  const id = hash.toString(16).padStart(16, "0").repeat(4);
  const name = reference.replace(/(@.*|:[^/:]*)$/, "");
  return { id, digests: [`${name}@sha256:${id}`], user: "", sizeBytes: 2_000_000 };
}

export const unavailable = (): RuntimeError =>
  new RuntimeError("Unavailable", "Cannot reach the emulated engine: it was told not to answer");
