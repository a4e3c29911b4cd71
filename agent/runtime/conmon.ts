// conmon, the monitor that Podman puts beside every container, takes orders through a fifo in the container's bundle.
import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { signalProcess } from "./liveness.ts";

/** `2` is conmon's REOPEN_LOGS_EVENT (src/ctrl.c); the two numbers after it belong to the window-size order that shares the format. */
const reopenLogs = "2 0 0\n";

/** Lets conmon open the container's log path anew, after the old file was renamed: no line is lost, which copying and truncating cannot promise. False: no monitor listens. */
export async function reopenConmonLog(ociConfigPath: string): Promise<boolean> {
  try {
    // Without a reader, O_NONBLOCK makes the open fail (ENXIO) instead of waiting for one.
    const fifo = await open(join(dirname(ociConfigPath), "ctl"), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      await fifo.write(reopenLogs);
    } finally {
      await fifo.close();
    }
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENXIO" || code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Ends the monitors of ended execs in a pod that is being taken down. They linger in the pod's cgroup (exit_command_delay, 300 s by default), and Podman's
 * removal of that cgroup tries for 3.4 s (measured) before it kills them itself. `keep` is the monitor of the infra container, which still has to report. Only with
 * the cgroupfs manager; systemd gives each monitor a scope of its own.
 */
export async function endExecMonitors(podCgroupPath: string, keep: number | undefined): Promise<void> {
  for (const controller of ["", "pids"]) { // cgroup v2, or any controller of v1
    const listed = await readFile(join("/sys/fs/cgroup", controller, podCgroupPath, "conmon", "cgroup.procs"), "utf8").catch(() => "");
    for (const pid of listed.split("\n").map(Number)) {
      if (pid !== 0 && pid !== keep) signalProcess(pid, "SIGKILL");
    }
  }
}
