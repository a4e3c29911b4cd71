// A master that must not start: what it says, and that it leaves everything as it was.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { type MasterOptions, masterProcess } from "./master_process.ts";

/** Starts a master that must refuse, and returns what it says on its last line. */
export async function refused(options: MasterOptions): Promise<{ code: number | null; said: string; log: string }> {
  const master = await masterProcess(options);
  try {
    master.spawn();
    const code = await master.ended(), log = master.log();
    return { code, said: log.trim().split("\n").at(-1)!, log };
  } finally {
    await master.close();
  }
}

/** Of every name and byte below a directory, and of who may do what with it. */
export function digest(directory: string): string {
  const hash = createHash("sha256");
  for (const name of (readdirSync(directory, { recursive: true }) as string[]).sort()) {
    const path = `${directory}/${name}`, { mode, uid, size } = lstatSync(path), isFile = lstatSync(path).isFile();
    hash.update(`${name} ${mode} ${uid} ${isFile ? size : ""}\n`);
    if (isFile) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}
