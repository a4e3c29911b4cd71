// The volumes of the node's pods. Everything here can be made anew from the desired set, except what pods wrote into an emptyDir on disk: that lives as long as the pod,
// over reboots, too.
//
//   <dataDir>/pods/<uid>/empty/<volume>   emptyDir on disk
//   <runDir>/pods/<uid>/files/<volume>    configMap, secret, downwardAPI, projected: in memory
//   <runDir>/pods/<uid>/memory/<volume>   emptyDir of medium Memory
import { chmod, chown, mkdir, readdir, realpath, rm, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { VolumeMount } from "../../shared/api/kinds/pod/container.ts";
import type { Volume } from "../../shared/api/kinds/pod/volume.ts";
import { units } from "../../shared/api/quantity.ts";
import type { Mount } from "../runtime/runtime.ts";
import { filesOf } from "./contents.ts";
import { hostPath } from "./host_path.ts";
import type { Mounter } from "./mounter.ts";
import { ifMissing, project } from "./projection.ts";
import { Missing, type Place, type PodFacts, type Sources } from "./sources.ts";

export interface VolumeDirectories {
  readonly dataDir: string;
  readonly runDir: string;
}

export class Volumes {
  readonly #mounter: Mounter;
  readonly #data: string;
  readonly #run: string;
  #inMemory: Promise<void> | undefined;

  constructor(mounter: Mounter, { dataDir, runDir }: VolumeDirectories) {
    this.#mounter = mounter;
    this.#data = join(dataDir, "pods");
    this.#run = join(runDir, "pods");
  }

  /** Where the pod may keep files of the agent's own, on disk. */
  directory(podUid: string): string {
    return join(this.#data, podUid);
  }

  /** Makes what these mounts need, and says where it is. @throws Missing for whoever wrote the pod */
  async prepare(
    pod: PodFacts,
    place: Place,
    sources: Sources,
    mounts: readonly (VolumeMount & { readonly resolvedSubPath?: string })[],
  ): Promise<Mount[]> {
    const made: Mount[] = [];
    for (const mount of mounts) {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (volume === undefined) throw new Missing(`volume "${mount.name}" of mount ${mount.mountPath} not found`);
      const { path, readOnly } = await this.#make(volume, pod, place, sources);
      const subPath = mount.resolvedSubPath ?? mount.subPath;
      made.push({
        source: subPath ? await below(path, subPath, !readOnly) : path,
        target: mount.mountPath,
        readOnly: readOnly || (mount.readOnly ?? false),
        ...(mount.mountPropagation === "HostToContainer" && { propagation: "rslave" }),
        ...(mount.mountPropagation === "Bidirectional" && { propagation: "rshared" }),
      });
    }
    return made;
  }

  /** Renews the files of a running pod. True: something changed. What has gone missing since leaves the files as they were. */
  async renew(pod: PodFacts, place: Place, sources: Sources): Promise<boolean> {
    let changed = false;
    for (const volume of pod.spec.volumes ?? []) {
      if (await stat(this.#files(pod.uid, volume.name)).catch(ifMissing) === undefined) continue; // no container has it yet
      try {
        const files = filesOf(volume, pod, place, sources);
        if (files && await project(this.#files(pod.uid, volume.name), files, pod.spec.securityContext?.fsGroup)) changed = true;
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
      }
    }
    return changed;
  }

  /** Of a pod that is gone. */
  async remove(podUid: string): Promise<void> {
    const memory = join(this.#run, podUid, "memory");
    for (const name of await readdir(memory).catch(ifMissing) ?? []) await this.#mounter.release(join(memory, name));
    await rm(join(this.#run, podUid), { recursive: true, force: true });
    await rm(join(this.#data, podUid), { recursive: true, force: true });
  }

  /** Pods that have directories here. */
  async known(): Promise<Set<string>> {
    return new Set([...await readdir(this.#data).catch(ifMissing) ?? [], ...await readdir(this.#run).catch(ifMissing) ?? []]);
  }

  #files = (podUid: string, volume: string): string => join(this.#run, podUid, "files", volume);

  async #make(volume: Volume, pod: PodFacts, place: Place, sources: Sources): Promise<{ path: string; readOnly: boolean }> {
    const group = pod.spec.securityContext?.fsGroup;
    const files = filesOf(volume, pod, place, sources);
    if (files) {
      await this.#memory();
      const path = this.#files(pod.uid, volume.name);
      await project(path, files, group);
      return { path, readOnly: true };
    }
    if (volume.hostPath) return { path: await hostPath(volume.hostPath), readOnly: false };
    if (volume.emptyDir) return { path: await this.#emptyDir(volume, pod.uid, group), readOnly: false };
    throw new Missing(
      `volume "${volume.name}" is of a sort (${Object.keys(volume).filter((key) => key !== "name").join()}) that nodes cannot provide`,
    );
  }

  async #emptyDir({ name, emptyDir }: Volume, podUid: string, group: number | undefined): Promise<string> {
    const inMemory = emptyDir!.medium === "Memory";
    const path = inMemory ? join(this.#run, podUid, "memory", name) : join(this.#data, podUid, "empty", name);
    if (inMemory) {
      await this.#memory();
      // A bound of its own also where the run directory is in memory: one pod must not fill it for all.
      await this.#mounter.memory(path, emptyDir!.sizeLimit === undefined ? defaultMemoryBytes : Number(units(emptyDir!.sizeLimit)));
    } else await mkdir(path, { recursive: true });
    await chmod(path, group === undefined ? 0o777 : 0o2777);
    if (group !== undefined) await chown(path, 0, group);
    return path;
  }

  #memory(): Promise<void> {
    return this.#inMemory ??= this.#mounter.memory(this.#run).catch((error) => {
      this.#inMemory = undefined;
      throw error;
    });
  }
}

/** Of an emptyDir in memory that names no limit. */
const defaultMemoryBytes = 64 * 1024 * 1024;

/** A path in a volume that a pod may have filled with links: what it leads to must still be in the volume (CVE-2017-1002101). */
async function below(volume: string, subPath: string, create: boolean): Promise<string> {
  const inside = async (path: string): Promise<string> => {
    const real = await realpath(path), root = await realpath(volume);
    if (real !== root && !real.startsWith(root + sep)) throw new Missing(`subPath ${subPath} leads out of its volume`);
    return real;
  };
  if (subPath.startsWith("/") || subPath.split("/").includes("..")) throw new Missing(`subPath ${subPath} must be a path below its volume`);
  let path = volume;
  for (const part of subPath.split("/").filter((part) => part !== "" && part !== ".")) {
    path = await inside(path);
    const next = join(path, part);
    if (await stat(next).catch(ifMissing) === undefined) {
      if (!create) throw new Missing(`subPath ${subPath} is not in its volume`);
      await mkdir(next, { mode: 0o755 });
    }
    path = next;
  }
  return await inside(path);
}
