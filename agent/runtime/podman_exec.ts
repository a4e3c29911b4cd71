// Processes inside a container over a hijacked connection: exec and attach, for kubectl and for probes.
// Without a terminal the bytes come in frames `[stream, 0, 0, 0, length (u32, big-endian)] payload`, stream 1 is stdout and 2 stderr; with one they come bare.
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { ContainersApi, ExecApi } from "podman-api-client";
import { execExitPollMs, execExitPolls, processBufferBytes } from "../../shared/limits.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import { signalProcess } from "./liveness.ts";
import type { Hijacked, PodmanTransport } from "./podman_transport.ts";
import { type ExecResult, notRunning, type ProcessStreams, RuntimeError } from "./runtime.ts";

export interface ExecDependencies {
  readonly transport: PodmanTransport;
  readonly clock: Clock;
}

/** Runs a command to its end. At the deadline its process is killed. @throws RuntimeError Timeout */
export async function runProcess(
  on: ExecDependencies,
  containerId: string,
  command: readonly string[],
  limits: { timeoutMs: number; maxOutputBytes: number },
): Promise<ExecResult> {
  const api = new ExecApi(on.transport.with());
  const id = await api.create(containerId, { Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const { socket, head } = await on.transport.hijack(`/exec/${id}/start`, { Detach: false, Tty: false });
  const output: Uint8Array[] = [];
  let size = 0, late = false;
  const cancel = on.clock.after(limits.timeoutMs, () => {
    late = true;
    socket.destroy();
  });
  try {
    await new Promise<void>((resolve) => {
      const frames = new Frames((_stream, bytes) => {
        const kept = bytes.subarray(0, limits.maxOutputBytes - size); // the rest is read and dropped, so that the process can go on
        size += kept.length;
        if (kept.length > 0) output.push(kept.slice());
      });
      frames.push(head);
      socket.on("data", (data: Uint8Array) => frames.push(data));
      socket.on("error", () => {}); // "close" follows
      socket.on("close", () => resolve());
      socket.resume();
    });
  } finally {
    cancel();
  }
  if (late) {
    await killExec(api, id);
    throw new RuntimeError("Timeout", `${command[0]} has not ended within ${limits.timeoutMs} ms`);
  }
  return { exitCode: await exitCode(on.clock, api, id), output: new TextDecoder().decode(Buffer.concat(output)) };
}

/** Opens a process, or with no command the container's own. Cancelling `stdout` ends the connection, and an exec'd process with it. */
export async function openProcess(
  on: ExecDependencies,
  containerId: string,
  command: readonly string[] | undefined,
  options: { stdin: boolean; tty: boolean },
): Promise<ProcessStreams> {
  const api = new ExecApi(on.transport.with());
  if (command === undefined) {
    const containers = new ContainersApi(on.transport.with());
    // Podman would make one that has ended ready to start again, and wait for that.
    if (!(await containers.inspect(containerId))?.State?.Running) throw notRunning(containerId);
    const query = `stream=true&stdout=true&stderr=true&stdin=${options.stdin}`;
    const hijacked = await on.transport.hijack(`/containers/${encodeURIComponent(containerId)}/attach?${query}`, undefined);
    return streams(hijacked, options, {
      resize: (size) => containers.resize(containerId, { w: size.width, h: size.height }),
      exit: () => containerExit(on.clock, containers, containerId),
      abandon: () => Promise.resolve(), // the container lives on when its watcher leaves
    });
  }
  const id = await api.create(containerId, {
    Cmd: [...command],
    AttachStdin: options.stdin,
    AttachStdout: true,
    AttachStderr: !options.tty,
    Tty: options.tty,
  });
  const hijacked = await on.transport.hijack(`/exec/${id}/start`, { Detach: false, Tty: options.tty });
  return streams(hijacked, options, {
    resize: (size) => api.resize(id, { w: size.width, h: size.height }),
    exit: () => exitCode(on.clock, api, id),
    abandon: () => killExec(api, id),
  });
}

interface Control {
  resize(size: { width: number; height: number }): Promise<void>;
  exit(): Promise<number>;
  abandon(): Promise<void>;
}

function streams({ socket, head }: Hijacked, options: { stdin: boolean; tty: boolean }, control: Control): ProcessStreams {
  const outlets: (Outlet | undefined)[] = [];
  const open = () => {
    let outlet!: Outlet;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (outlet = controller),
      pull: () => void socket.resume(),
      cancel: () => {
        socket.destroy();
        return control.abandon();
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: processBufferBytes }));
    outlets.push(outlet);
    return stream;
  };
  const stdout = open();
  const stderr = options.tty ? undefined : open();
  const deliver = (stream: number, bytes: Uint8Array) => {
    const outlet = outlets[stream === 2 ? 1 : 0];
    if (outlet === undefined || ended) return;
    outlet.enqueue(bytes.slice());
    // One socket carries both streams: whoever is full holds up both, which is what keeps memory bounded.
    if ((outlet.desiredSize ?? 1) <= 0) socket.pause();
  };
  let ended = false;
  const frames = options.tty ? { push: (bytes: Uint8Array) => deliver(1, bytes) } : new Frames(deliver);
  const done = new Promise<void>((resolve) => {
    const finish = () => {
      if (ended) return;
      ended = true;
      for (const outlet of outlets) {
        try {
          outlet?.close();
        } catch { /* cancelled by its reader, so already closed */ }
      }
      resolve();
    };
    if (head.length > 0) frames.push(head);
    socket.on("data", (data: Uint8Array) => frames.push(data));
    socket.on("error", () => {}); // "close" follows
    socket.on("end", finish);
    socket.on("close", finish);
    socket.resume();
  }).then(() => control.exit());
  done.catch(() => {}); // whoever awaits `done` hears of it; nobody has to
  return { stdin: options.stdin ? inlet(socket) : undefined, stdout, stderr, resize: (size) => control.resize(size), done };
}

type Outlet = ReadableStreamDefaultController<Uint8Array>;

/** Closing it closes the process' stdin and leaves its output open. */
function inlet(socket: Socket): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    write: (bytes) => new Promise((resolve, reject) => socket.write(bytes, (error) => error ? reject(error) : resolve())),
    close: () => new Promise((resolve) => void socket.end(() => resolve())),
    abort: () => void socket.destroy(),
  });
}

/** Cuts a byte stream into frames, across any chunk borders, without gathering a whole frame. */
export class Frames {
  readonly #deliver: (stream: number, bytes: Uint8Array) => void;
  readonly #header = new Uint8Array(8);
  #headerBytes = 0;
  #stream = 0;
  #left = 0;

  constructor(deliver: (stream: number, bytes: Uint8Array) => void) {
    this.#deliver = deliver;
  }
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#left === 0) {
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes < 8) continue;
        this.#headerBytes = 0;
        this.#stream = this.#header[0]!;
        this.#left = new DataView(this.#header.buffer).getUint32(4);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      this.#deliver(this.#stream, part);
    }
  }
}

/** The streams end a moment before Podman has the exit code. */
async function exitCode(clock: Clock, api: ExecApi, id: string): Promise<number> {
  for (let look = 0; look < execExitPolls; look++) {
    const session = await api.inspect(id);
    if (session === null) break;
    if (!session.Running) return session.ExitCode ?? 0;
    await sleep(clock, execExitPollMs);
  }
  throw new RuntimeError("Engine", `Podman does not say how process ${id.slice(0, 12)} ended`);
}

async function containerExit(clock: Clock, containers: ContainersApi, id: string): Promise<number> {
  for (let look = 0; look < execExitPolls; look++) {
    const state = (await containers.inspect(id))?.State;
    if (state === undefined) break;
    if (!state.Running) return state.ExitCode ?? 0;
    await sleep(clock, execExitPollMs);
  }
  return 0; // detached, and the container goes on
}

/** Podman cannot end one exec; its process is ours to see and kill. */
async function killExec(api: ExecApi, id: string): Promise<void> {
  const session = await api.inspect(id);
  if (!session?.Running || !session.Pid) return;
  signalProcess(session.Pid as unknown as number, "SIGKILL"); // the library's type is Docker's: an object
}
