// A directory of small files that changes as one: readers see all old files or all new ones. The files lie in a directory named by their content, `..data` is a link to
// it, and each name in the volume is a link through `..data` (the form in which Kubernetes makes such volumes, and which programs watch). Renewing swaps one link.
import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface ProjectedFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
  /** Default: root. */
  readonly owner?: number;
}
/** By path below the volume. */
export type ProjectedFiles = ReadonlyMap<string, ProjectedFile>;

const link = "..data";

/** Makes `directory` hold exactly these files; without a write if it does. `group`: who may read them, too. True: something changed. */
export async function project(directory: string, files: ProjectedFiles, group?: number): Promise<boolean> {
  const name = `..${contentName(files, group)}`, current = await readlink(join(directory, link)).catch(ifMissing);
  if (current === name) return false;
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const target = join(directory, name);
  await rm(target, { recursive: true, force: true }); // half written by an agent that died
  await mkdir(target, { mode: 0o755 });
  for (const [path, { bytes, mode, owner }] of files) {
    const file = join(target, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, bytes);
    await chmod(file, group === undefined ? mode : mode | 0o440); // not by writeFile: the umask would have its say
    if (group !== undefined || owner !== undefined) await chown(file, owner ?? 0, group ?? 0);
  }
  await swap(directory, link, name);
  const wanted = new Set([...files.keys()].map((path) => path.split("/")[0]!));
  for (const entry of await readdir(directory)) {
    if (entry === link || entry === name || wanted.has(entry)) continue;
    await rm(join(directory, entry), { recursive: true, force: true });
  }
  for (const entry of wanted) {
    const there = await lstat(join(directory, entry)).catch(ifMissing);
    if (!there?.isSymbolicLink()) await swap(directory, entry, join(link, entry));
  }
  return true;
}

/** A link appears, or changes, in one moment. */
async function swap(directory: string, name: string, target: string): Promise<void> {
  const temporary = join(directory, `..tmp_${name.replaceAll(".", "_")}`);
  await rm(temporary, { recursive: true, force: true });
  await symlink(target, temporary);
  await rename(temporary, join(directory, name));
}

function contentName(files: ProjectedFiles, group: number | undefined): string {
  const hash = createHash("sha256").update(`${group ?? ""}\n`);
  for (const [path, { bytes, mode, owner }] of [...files].sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(`${path.length} ${path} ${mode} ${owner === undefined ? "" : `${owner} `}${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex").slice(0, 32);
}

export function ifMissing(error: unknown): undefined {
  if ((error as { code?: string }).code === "ENOENT") return undefined;
  throw error;
}
