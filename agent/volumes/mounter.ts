// File systems in memory. What is secret must not touch the card, and what programs scribble need not.
import { spawn } from "node:child_process";
import { mkdir, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

export interface Mounter {
  /** Makes `path` a directory whose content is in memory, if it is not. `sizeBytes`: the most it may hold; undefined: half of the machine's memory. */
  memory(path: string, sizeBytes?: number): Promise<void>;
  /** Ends that; what was in it is gone. */
  release(path: string): Promise<void>;
}

const tmpfs = 0x01021994, ramfs = 0x858458f6 | 0;

export const systemMounter: Mounter = {
  async memory(path, sizeBytes) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    // /run is in memory nearly everywhere; where it is, only a bound needs a file system of its own.
    if (sizeBytes === undefined ? await isInMemory(path) : await isMountPoint(path)) return;
    const size = sizeBytes === undefined ? [] : [`size=${sizeBytes}`];
    await run("mount", ["-t", "tmpfs", "-o", ["mode=0700", "nodev", "nosuid", ...size].join(), "tmpfs", path]);
  },
  async release(path) {
    if (await isMountPoint(path).catch(() => false)) await run("umount", ["-l", path]);
  },
};

/** For devices that are only pretended: directories like all others. */
export const plainMounter: Mounter = {
  async memory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  release: () => Promise.resolve(),
};

async function isInMemory(path: string): Promise<boolean> {
  const { type } = await statfs(path);
  return type === tmpfs || (type | 0) === ramfs;
}
const isMountPoint = async (path: string): Promise<boolean> => (await stat(path)).dev !== (await stat(dirname(path))).dev;

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    child.stderr.on("data", (data) => words = (words + data).slice(0, 500));
    child.on("error", (cause) => reject(new Error(`Cannot run ${command}: ${cause.message}`, { cause })));
    child.on(
      "close",
      (code) => code === 0 ? resolve() : reject(new Error(`Cannot ${command} ${args.at(-1)}: ${words.trim() || `exit status ${code}`}`)),
    );
  });
}
