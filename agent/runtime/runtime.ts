// What the agent needs of a container engine. Podman and the emulated one both pass test/contract/runtime_contract.ts.
// A sandbox is a pod's network and IPC namespace; containers live in it. Everything the agent made carries the labels of shared/names.ts, and is found again by them.

import type { Duplex } from "node:stream";

/** Who a sandbox or container belongs to: what stands in its labels. */
export interface Identity {
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** `h1:…`, of the sandbox or of the container (shared/wire/spec_hash.ts). */
  readonly specHash: string;
}

export interface SandboxSpec extends Identity {
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly shareProcessNamespace: boolean;
  /** IPv4 address in the node's pod subnet; chosen by the agent's allocator. Undefined with hostNetwork. */
  readonly address?: string;
  readonly dns:
    | { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] }
    | undefined;
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[];
  readonly ports: readonly {
    readonly hostPort: number;
    readonly containerPort: number;
    readonly protocol: "tcp" | "udp";
    readonly hostIp?: string;
  }[];
  readonly sysctls: Readonly<Record<string, string>>;
}

export interface Mount {
  readonly source: string; // path on the node
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation?: "private" | "rslave" | "rshared";
}
export interface ContainerSpec extends Identity {
  readonly container: string;
  /** Counts the containers made for this name in this pod, from 0. */
  readonly attempt: number;
  readonly image: string;
  readonly command: readonly string[] | undefined; // undefined: the image's entry point
  readonly args: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string | undefined;
  readonly mounts: readonly Mount[];
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Seconds between SIGTERM and SIGKILL when the engine itself must stop it. */
  readonly stopTimeoutSeconds: number;
  readonly resources: {
    readonly cpuShares?: number;
    readonly cpuQuotaUs?: number; // per 100 ms
    readonly memoryBytes?: number;
    readonly pids?: number;
  };
  readonly oomScoreAdj: number;
  readonly security: {
    readonly user?: number;
    readonly group?: number;
    readonly supplementalGroups: readonly number[];
    readonly privileged: boolean;
    readonly readOnlyRoot: boolean;
    readonly noNewPrivileges: boolean;
    readonly addCapabilities: readonly string[];
    readonly dropCapabilities: readonly string[];
    readonly seccomp?: string; // "unconfined", or a profile's path
  };
  /** File that the engine appends the output to, in CRI form (`time stream F|P text`). */
  readonly logPath: string;
}

export type SandboxState = "created" | "ready" | "lost";
export interface ActualSandbox extends Identity {
  readonly id: string;
  readonly state: SandboxState;
  readonly address: string | undefined;
  readonly createdAt: number; // ms since 1970
}
export type ContainerState = "created" | "running" | "exited";
export interface ActualContainer extends Identity {
  readonly id: string;
  readonly container: string;
  readonly attempt: number;
  readonly state: ContainerState;
  readonly imageRef: string;
  readonly imageId: string;
  readonly pid: number | undefined;
  readonly startedAt: number | undefined; // ms since 1970
  readonly finishedAt: number | undefined;
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  /** Why the engine could not start it. */
  readonly error: string | undefined;
}
/** Everything of ours that the engine has, in one look. */
export interface Actual {
  readonly sandboxes: readonly ActualSandbox[];
  readonly containers: readonly ActualContainer[];
}

export interface ImageInfo {
  readonly id: string;
  readonly digests: readonly string[];
  /** The image's own user ("" = root), for runAsNonRoot. */
  readonly user: string;
  readonly sizeBytes: number;
}
/** An image that lies on this node. */
export interface LocalImage {
  readonly id: string;
  /** With tags and digests. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Some container, ours or not, was made of it. */
  readonly used: boolean;
}
export interface ExecResult {
  readonly exitCode: number;
  /** Both streams together, cut at `maxOutputBytes`. */
  readonly output: string;
}
/** An open process in a container, for kubectl exec and attach. */
export interface ProcessStreams {
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array> | undefined; // undefined with a terminal
  resize(size: { width: number; height: number }): Promise<void>;
  /** Resolves with the exit code once the streams have ended. */
  readonly done: Promise<number>;
}
export interface EngineInfo {
  readonly name: string; // "podman", "emulated"
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  readonly ociRuntime: string;
}
export interface ContainerStats {
  readonly id: string;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/** Every method @throws RuntimeError. Those that change something are idempotent where the name says so: stop of the stopped and remove of the missing succeed. */
export interface ContainerRuntime {
  info(): Promise<EngineInfo>;
  observe(): Promise<Actual>;
  createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<{ id: string }>;
  startSandbox(id: string, signal?: AbortSignal): Promise<{ address: string | undefined }>;
  /** With all containers in it. */
  removeSandbox(id: string, signal?: AbortSignal): Promise<void>;
  createContainer(sandboxId: string, spec: ContainerSpec, signal?: AbortSignal): Promise<{ id: string }>;
  startContainer(id: string, signal?: AbortSignal): Promise<void>;
  stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>;
  removeContainer(id: string, signal?: AbortSignal): Promise<void>;
  /** Undefined: it is not on this node. */
  image(reference: string): Promise<ImageInfo | undefined>;
  images(): Promise<readonly LocalImage[]>;
  /** By id. That it is gone already is no error; that somebody uses it is. */
  removeImage(id: string, signal?: AbortSignal): Promise<void>;
  /** `auth` is the base64url of `{"username", "password"}` or `{"identitytoken"}`. @throws RuntimeError ImagePull with the registry's own words */
  pull(reference: string, options: { auth?: string; signal?: AbortSignal; progress?(line: string): void }): Promise<ImageInfo>;
  exec(containerId: string, command: readonly string[], options: { timeoutMs: number; maxOutputBytes: number }): Promise<ExecResult>;
  open(containerId: string, command: readonly string[] | undefined, options: { stdin: boolean; tty: boolean }): Promise<ProcessStreams>;
  /** A connection to a port of localhost as it is in the container's pod. Closing one side leaves the other open. @throws RuntimeError Refused */
  connect(containerId: string, port: number, signal?: AbortSignal): Promise<Duplex>;
  stats(): Promise<readonly ContainerStats[]>;
  /** The file at `logPath` was renamed: let the engine go on in a new one of that name (CRI's ReopenContainerLog). Of an ended container: nothing to do. */
  reopenLog(containerId: string): Promise<void>;
  /** Calls `changed` whenever something of ours may have changed: a hint, never the truth. Resolves when the signal aborts. */
  watch(changed: () => void, signal: AbortSignal): Promise<void>;
  /** Calls that change something, since the start. Tests hold the agent to it: a reconnect must not move it. */
  readonly writes: number;
}

/** Nothing can be attached to it. */
export const notRunning = (containerId: string): RuntimeError =>
  new RuntimeError("Engine", `container ${containerId.slice(0, 12)} is not running`);

export type RuntimeReason =
  | "NotFound"
  | "AlreadyExists"
  | "ImagePull"
  | "ImageMissing"
  | "Start"
  | "Refused"
  | "AddressTaken"
  | "Unavailable"
  | "Timeout"
  | "Engine";
export class RuntimeError extends Error {
  override name = "RuntimeError";
  readonly reason: RuntimeReason;
  constructor(reason: RuntimeReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}
