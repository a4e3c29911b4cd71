// What a container uses, from the kernel: cgroup v2's unified files, or v1's per-controller ones.
import { readFile } from "node:fs/promises";
import type { ContainerStats } from "./runtime.ts";

const root = "/sys/fs/cgroup";

/** Undefined once the container has ended. Memory is the working set: what reclaiming cold file pages would not free (as the kubelet counts). */
export async function cgroupStats(id: string, pid: number): Promise<ContainerStats | undefined> {
  try {
    const paths = controllerPaths(await readFile(`/proc/${pid}/cgroup`, "utf8"));
    const memory = paths.get("memory"), cpu = paths.get("cpuacct");
    if (memory !== undefined && cpu !== undefined) {
      const [usage, stat, ns] = await Promise.all(
        [`memory${memory}/memory.usage_in_bytes`, `memory${memory}/memory.stat`, `cpuacct${cpu}/cpuacct.usage`].map(read),
      );
      return { id, cpuNanoseconds: Number(ns), memoryBytes: Math.max(0, Number(usage) - field(stat!, "total_inactive_file")) };
    }
    const unified = paths.get("") ?? "";
    const [usage, stat, cpuStat] = await Promise.all(
      [`${unified}/memory.current`, `${unified}/memory.stat`, `${unified}/cpu.stat`].map(read),
    );
    return {
      id,
      cpuNanoseconds: field(cpuStat!, "usage_usec") * 1000,
      memoryBytes: Math.max(0, Number(usage) - field(stat!, "inactive_file")),
    };
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENOENT" || code === "ESRCH" || code === "ENODEV") return undefined;
    throw error;
  }
}

const read = (path: string): Promise<string> => readFile(`${root}/${path}`, "utf8");

/** `/proc/<pid>/cgroup` as controller → path; the unified hierarchy is "". */
export function controllerPaths(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(.+)$/.exec(line);
    if (match) { for (const controller of match[1]!.split(",")) paths.set(controller, match[2]!); }
  }
  return paths;
}

const field = (stat: string, name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(stat)?.[1] ?? 0);
