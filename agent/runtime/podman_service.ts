// Where Podman answers. The agent takes the socket it was told, or the machine's own; where none answers it starts `podman system service` itself, in a session of its own:
// containers hang on conmon, not on this service, and the service not on the agent, so killing either moves nothing. (Under systemd the agent's unit needs KillMode=process.)
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, open, readFile, rm } from "node:fs/promises";
import process from "node:process";
import { join } from "node:path";
import { serviceStartMs } from "../../shared/limits.ts";
import { writeAtomic } from "../../shared/platform/files.ts";
import { type Clock, sleep } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { type MachineFacts, serviceConfig } from "./podman_config.ts";
import { PodmanTransport } from "./podman_transport.ts";
import { RuntimeError } from "./runtime.ts";

/** Podman's own place for the service that systemd's podman.socket starts. */
const machineSocket = "/run/podman/podman.sock";

/** A store apart from the machine's: for tests, and for a second agent on one machine. */
export interface PrivateStore {
  readonly root: string;
  readonly runRoot: string;
  readonly tmpDir: string;
  readonly networkDir: string;
}
export interface ServiceOptions {
  /** The only socket to use; nothing is started. */
  readonly socketPath?: string | undefined;
  /** The service's containers.conf and log go to `<dataDir>/podman/`. */
  readonly dataDir: string;
  /** The service's socket goes to `<runDir>/podman.sock`. */
  readonly runDir: string;
  readonly store?: PrivateStore | undefined;
}
export interface ServiceDependencies {
  readonly clock: Clock;
  readonly log: Log;
}
export interface PodmanService {
  readonly socketPath: string;
  /** Process id of the service, if this call started it. */
  readonly pid: number | undefined;
}

/** Finds a Podman service or starts one. May be called again whenever it has gone. @throws RuntimeError Unavailable, saying what to do */
export async function findPodman(on: ServiceDependencies, options: ServiceOptions, signal?: AbortSignal): Promise<PodmanService> {
  const own = join(options.runDir, "podman.sock");
  const candidates = options.socketPath !== undefined ? [options.socketPath] : options.store ? [own] : [own, machineSocket];
  for (const socketPath of candidates) if (await answers(on.clock, socketPath)) return { socketPath, pid: undefined };
  if (options.socketPath !== undefined) {
    throw new RuntimeError(
      "Unavailable",
      `Cannot reach Podman: nothing answers at ${options.socketPath}. Start podman.socket, or leave the option out`,
    );
  }
  return await start(on, options, own, signal);
}

async function answers(clock: Clock, socketPath: string): Promise<boolean> {
  try {
    const response = await new PodmanTransport(clock, socketPath).call("GET", "/_ping", undefined, {}, { headTimeoutMs: 10_000 });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false; // refused, no file, silent: whatever it is, Podman does not answer here
  }
}

async function start(on: ServiceDependencies, options: ServiceOptions, socketPath: string, signal?: AbortSignal): Promise<PodmanService> {
  const directory = join(options.dataDir, "podman");
  const configPath = join(directory, "containers.conf"), logPath = join(directory, "service.log");
  const path = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`; // netavark, iptables and runc live in sbin
  if (!(await onPath("podman", path))) {
    throw new RuntimeError(
      "Unavailable",
      "Cannot start containers: Podman is not installed. On Debian: apt-get install podman netavark runc",
    );
  }
  const { text, reasons } = serviceConfig(await machineFacts(path), options.store ? { lockType: "file" } : {});
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir(options.runDir, { recursive: true, mode: 0o755 });
  await writeAtomic(configPath, text, 0o644);
  await rm(socketPath, { force: true }); // nobody answered at it
  const output = await open(logPath, "w", 0o600); // what it says matters only until it answers; "w" keeps it bounded over restarts
  let ended: string | undefined;
  let pid: number | undefined;
  try {
    const child = spawn("podman", [...storeFlags(options.store), "system", "service", "--time=0", `unix://${socketPath}`], {
      cwd: directory, // conmon leaves a file `oom` where it was started from
      detached: true, // setsid: a signal to the agent's group does not reach it
      stdio: ["ignore", output.fd, output.fd],
      env: { ...process.env, PATH: path, HOME: process.env.HOME ?? "/root", CONTAINERS_CONF: configPath },
    });
    child.on("error", (error) => ended = error.message);
    child.on("exit", (code, killer) => ended = `it ended with ${code ?? killer}`);
    child.unref();
    pid = child.pid;
  } finally {
    await output.close();
  }
  on.log.info("Started a Podman service, because none answered", { socketPath, pid, config: configPath, because: reasons });
  for (const deadline = on.clock.monotonic() + serviceStartMs; ended === undefined && on.clock.monotonic() < deadline;) {
    if (await answers(on.clock, socketPath)) return { socketPath, pid };
    await sleep(on.clock, 50, signal);
  }
  const words = (await readFile(logPath, "utf8")).trim().split("\n").slice(-3).join(" ");
  throw new RuntimeError("Unavailable", `Cannot start Podman's service: ${ended ?? `no answer within ${serviceStartMs} ms`}: ${words}`);
}

const storeFlags = (store: PrivateStore | undefined): string[] =>
  store === undefined
    ? []
    : ["--root", store.root, "--runroot", store.runRoot, "--tmpdir", store.tmpDir, "--network-config-dir", store.networkDir];

async function machineFacts(path: string): Promise<MachineFacts> {
  const [hasCrun, hasRunc, unified, hasSystemd, status, limits, pidMax] = await Promise.all([
    onPath("crun", path),
    onPath("runc", path),
    exists("/sys/fs/cgroup/cgroup.controllers"),
    exists("/run/systemd/system"),
    readFile("/proc/self/status", "utf8"),
    readFile("/proc/self/limits", "utf8"),
    readFile("/proc/sys/kernel/pid_max", "utf8"),
  ]);
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const hard = (name: string): number => Number(new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, "m").exec(limits)?.[1] ?? Infinity);
  return {
    cgroupVersion: unified ? 2 : 1,
    hasCrun,
    hasRunc,
    hasSystemd,
    mayRaiseLimits: (capabilities & (1n << 24n)) !== 0n, // CAP_SYS_RESOURCE, capability(7)
    hardOpenFiles: hard("Max open files"),
    hardProcesses: hard("Max processes"),
    pidMax: Number(pidMax),
  };
}

async function onPath(program: string, path: string): Promise<boolean> {
  for (const directory of path.split(":")) if (directory !== "" && await exists(join(directory, program), constants.X_OK)) return true;
  return false;
}

async function exists(path: string, mode = constants.F_OK): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}
