// UDP has no connections, but the kernel remembers who talked to whom: a client that keeps its port stays with an endpoint that is gone. Pure.
import type { StaleFlow } from "./packet_filter.ts";
import type { Ruleset } from "./ruleset.ts";

/** Flows that the step from one ruleset to the next makes wrong. */
export function flowsToForget(from: Ruleset["udp"], to: Ruleset["udp"]): StaleFlow[] {
  const flows: StaleFlow[] = [];
  const forget = (door: string, answeredBy: string): void => {
    const [address = "", port] = door.split(" ");
    flows.push({ address, port: Number(port), answeredBy });
  };
  for (const [door, before] of from) {
    const after = to.get(door) ?? [];
    if (before === after) continue;
    for (const answeredBy of before) if (!after.includes(answeredBy)) forget(door, answeredBy);
  }
  for (const [door, after] of to) {
    const address = door.split(" ")[0]!;
    // Before it had endpoints a packet may have gone its way unchanged, and so would all that follow it.
    if (after.length > 0 && !from.get(door)?.length && address !== "*") forget(door, address);
  }
  return flows;
}
