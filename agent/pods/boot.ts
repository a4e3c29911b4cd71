// What a new boot leaves behind that would stand in the way.
import { rm } from "node:fs/promises";
import type { Log } from "../../shared/util/log.ts";
import type { Actual } from "../runtime/runtime.ts";

/**
 * Where /run is not in memory, netavark's address leases survive a power cut, and each pod is refused its own address. Nobody holds an address after a boot, so the file
 * goes before the first start; netavark makes a new one. Not while anything runs, nor in the boot in which the agent has already been, nor where it has never been: other
 * containers of the machine may hold those.
 */
export async function dropStaleLeases(
  on: { readonly log: Log },
  leaseFile: string | undefined,
  boots: { readonly before: string; readonly now: string },
  { sandboxes, containers }: Actual,
): Promise<boolean> {
  const runs = sandboxes.some(({ state }) => state === "ready") || containers.some(({ state }) => state === "running");
  if (leaseFile === undefined || boots.before === "" || boots.before === boots.now || runs) return false;
  await rm(leaseFile, { force: true });
  on.log.info("Leases of addresses from before this boot dropped", { path: leaseFile });
  return true;
}
