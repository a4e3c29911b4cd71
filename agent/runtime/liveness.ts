// Whether a container's processes are really there. Podman says "running" for ever once a container's monitor (conmon) was killed: nobody is left to tell it.
// /proc knows better. A pid alone is no witness, since pids are used again; the cgroup path of a container's process carries the container's id.
import { readFileSync } from "node:fs";
import process from "node:process";

export interface Liveness {
  /** The process is there and belongs to this container. */
  process(pid: number, containerId: string): boolean;
  /** The container's monitor is there. */
  monitor(pid: number): boolean;
}

export const procLiveness: Liveness = {
  process: (pid, containerId) => slurp(`/proc/${pid}/cgroup`).includes(containerId),
  monitor: (pid) => slurp(`/proc/${pid}/comm`).trim() === "conmon",
};

/** The file's text, or nothing if there is no such process (ENOENT), or no longer (ESRCH). Synchronous: the kernel answers from memory in 10 µs, a trip through the thread pool costs ten times that. */
function slurp(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}

/** Sends a signal, also to a process that has just ended. */
export function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as { code?: string }).code !== "ESRCH") throw error;
  }
}
