// How firmly the kernel may be asked to spare a process.
import { readFileSync } from "node:fs";

const sysResource = 24; // bit of CAP_SYS_RESOURCE in capabilities(7)

/** Without CAP_SYS_RESOURCE nobody gets a lower oom_score_adj than he has himself (proc(5)): a container that asks for one could not start at all. */
export function leastOomScoreAdj(status = "/proc/self/status", own = "/proc/self/oom_score_adj"): number {
  try {
    const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync(status, "utf8"))?.[1] ?? "0";
    const mayLower = (BigInt(`0x${effective}`) >> BigInt(sysResource)) & 1n;
    return mayLower === 1n ? -1000 : Number(readFileSync(own, "utf8"));
  } catch {
    return -1000; // no /proc: whoever runs containers there will say what he cannot do
  }
}
