// hostPath: a file or directory of the node, which must be, or is made, what the pod says.
import { mkdir, open, stat } from "node:fs/promises";
import type { HostPathVolumeSource } from "../../shared/api/kinds/pod/volume.ts";
import { ifMissing } from "./projection.ts";
import { Missing } from "./sources.ts";

/** @returns the path. @throws Missing, in Kubernetes' words */
export async function hostPath({ path, type = "" }: HostPathVolumeSource): Promise<string> {
  if (type === "DirectoryOrCreate") await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === "FileOrCreate" && await stat(path).catch(ifMissing) === undefined) await (await open(path, "a", 0o644)).close();
  const found = await stat(path).catch(ifMissing);
  if (type === "") {
    if (found === undefined) await mkdir(path, { recursive: true, mode: 0o755 }); // what engines do with a bind that is not there
    return path;
  }
  const fits = found !== undefined && {
    DirectoryOrCreate: () => found.isDirectory(),
    Directory: () => found.isDirectory(),
    FileOrCreate: () => found.isFile(),
    File: () => found.isFile(),
    Socket: () => found.isSocket(),
    CharDevice: () => found.isCharacterDevice(),
    BlockDevice: () => found.isBlockDevice(),
  }[type as keyof typeof words]();
  if (!fits) throw new Missing(`hostPath type check failed: ${path} is not a ${words[type as keyof typeof words]}`);
  return path;
}
const words = {
  DirectoryOrCreate: "directory",
  Directory: "directory",
  FileOrCreate: "file",
  File: "file",
  Socket: "socket file",
  CharDevice: "character device",
  BlockDevice: "block device",
} as const;
