// Whether a container's processes are really there. Podman says "running" for ever once a container's monitor (conmon) was killed: nobody is left to tell it.
// /proc knows better. A pid alone is no witness, since pids are used again; the cgroup path of a container's process carries the container's id.
import { readFile } from "node:fs/promises";

export interface Liveness {
  /** The process is there and belongs to this container. */
  process(pid: number, containerId: string): Promise<boolean>;
  /** The container's monitor is there. */
  monitor(pid: number): Promise<boolean>;
}

export const procLiveness: Liveness = {
  process: async (pid, containerId) => (await slurp(`/proc/${pid}/cgroup`)).includes(containerId),
  monitor: async (pid) => (await slurp(`/proc/${pid}/comm`)).trim() === "conmon",
};

/** The file's text, or nothing if there is no such process (ENOENT), or no longer (ESRCH). */
async function slurp(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}
