// A disk of its own, so small that a test can fill it. It goes with its test directory.
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import process from "node:process";
import { runToEnd } from "../../shared/platform/process.ts";

export interface SmallDisk {
  readonly path: string;
  /** Takes all the room that is left, to the last byte. */
  fill(): void;
  /** Gives it back. */
  empty(): void;
}

/** Why there can be none here. */
export const noSmallDisk = process.getuid?.() === 0 ? undefined : "only root mounts disks";

/** @param directory a test directory */
export function smallDisk(directory: string, name: string, mebibytes: number): SmallDisk {
  const path = `${directory}/${name}`, filler = `${path}/filler`;
  mkdirSync(path);
  const done = runToEnd("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "tmpfs", path);
  if (done.status !== 0) throw new Error(`Cannot mount ${path}: ${done.stderr}`);
  return {
    path,
    fill() {
      const file = openSync(filler, "a");
      try {
        for (let bytes = 1 << 20; bytes >= 1;) {
          try {
            if (writeSync(file, new Uint8Array(bytes)) < bytes) bytes >>= 1;
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
            bytes >>= 1;
          }
        }
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(filler, { force: true }),
  };
}
