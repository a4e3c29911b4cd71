// conmon, the monitor that Podman puts beside every container, takes orders through a fifo in the container's bundle.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";

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
