// What can go wrong, as data, and how it is drawn. Pure: the same seed, the same leaders, the same faults.
import type { Random } from "../../shared/util/clock.ts";
import type { Cut } from "./network.ts";

export const faultKinds = ["kill", "blackout", "pause", "stop", "roll", "partition", "loss", "slow", "disk", "replace"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Kinds that no run here can have, and why. */
export const notHere: Readonly<Record<string, string>> = {
  delay: "the kernel has no netem; slow and loss delay packets, too",
  power: "a machine that stays up does not lose what was written and not yet synced; test/sim cuts power",
  clock: "processes share the machine's clock; test/sim turns clocks",
};

export type Fault =
  | { readonly do: "kill" | "stop"; readonly member: number; readonly downMs: number }
  /** All at once. */
  | { readonly do: "blackout"; readonly downMs: number }
  /** All in order, one after another. */
  | { readonly do: "roll" }
  | { readonly do: "pause"; readonly member: number; readonly ms: number }
  | { readonly do: "partition"; readonly shape: string; readonly cuts: readonly Cut[]; readonly ms: number }
  | { readonly do: "loss"; readonly member: number; readonly percent: number; readonly ms: number }
  | { readonly do: "slow"; readonly member: number; readonly kbit: number; readonly ms: number }
  /** `restart`: it is killed first, and comes up on a disk that is full. */
  | { readonly do: "disk"; readonly member: number; readonly restart: boolean; readonly ms: number }
  /** Its directory is gone: it is removed, and somebody new joins in its place. */
  | { readonly do: "replace"; readonly member: number };

/** @param leader undefined: nobody knows */
export function drawFault(random: Random, kinds: readonly FaultKind[], members: number, leader: number | undefined): Fault {
  const whole = (below: number): number => Math.floor(random() * below);
  const between = (least: number, most: number): number => Math.round(least + random() * (most - least));
  const kind = kinds[whole(kinds.length)]!;
  // The leader more often than chance would have it.
  const member = random() < 0.5 && leader !== undefined ? leader : whole(members);
  switch (kind) {
    case "kill":
    case "stop":
      return { do: kind, member, downMs: random() < 0.5 ? between(0, 300) : between(300, 5_000) };
    case "blackout":
      return { do: kind, downMs: between(0, 2_000) };
    case "roll":
      return { do: kind };
    case "pause":
      // As long as a garbage collection, as an election, or as somebody's coffee.
      return {
        do: kind,
        member,
        ms: random() < 0.4 ? between(200, 1_500) : random() < 0.7 ? between(1_500, 5_000) : between(5_000, 30_000),
      };
    case "partition":
      return { do: kind, ...drawPartition(random, members, member), ms: between(1_000, 9_000) };
    case "loss":
      return { do: kind, member, percent: between(5, 50), ms: between(1_000, 8_000) };
    case "slow":
      return { do: kind, member, kbit: between(100, 2_000), ms: between(1_000, 8_000) };
    case "disk":
      return { do: kind, member, restart: random() < 0.4, ms: between(1_000, 8_000) };
    case "replace":
      return { do: kind, member };
    default:
      return kind satisfies never;
  }
}

function drawPartition(random: Random, members: number, one: number): { shape: string; cuts: Cut[] } {
  const all = Array.from({ length: members }, (_, at) => at), others = all.filter((member) => member !== one);
  const both = (a: number, b: number): Cut[] => [[a, b], [b, a]];
  switch (Math.floor(random() * 5)) {
    case 0:
      return { shape: `m${one} alone`, cuts: others.flatMap((other) => both(one, other)) };
    case 1:
      return { shape: `m${one} is heard and hears nothing`, cuts: others.map((other): Cut => [other, one]) };
    case 2:
      return { shape: `m${one} hears and is not heard`, cuts: others.map((other): Cut => [one, other]) };
    case 3: {
      // Two halves that both reach the one between them.
      const half = others.slice(0, others.length >> 1), rest = others.slice(others.length >> 1);
      return { shape: `m${one} between two halves`, cuts: half.flatMap((a) => rest.flatMap((b) => both(a, b))) };
    }
    default: {
      const cuts = all.flatMap((a) => others.flatMap((b): Cut[] => a !== b && random() < 0.4 ? [[a, b]] : []));
      return { shape: cuts.map(([a, b]) => `m${a}→m${b}`).join(" ") || "none", cuts };
    }
  }
}

/** In words, for the timeline. */
export function faultText(fault: Fault, leader: number | undefined): string {
  const who = "member" in fault ? `m${fault.member}${fault.member === leader ? ", the leader" : ""}` : "";
  switch (fault.do) {
    case "kill":
      return `kill -9 ${who}, back after ${fault.downMs} ms`;
    case "stop":
      return `SIGTERM to ${who}, back after ${fault.downMs} ms`;
    case "blackout":
      return `kill -9 all, back after ${fault.downMs} ms`;
    case "roll":
      return "SIGTERM to one after another";
    case "pause":
      return `SIGSTOP ${who}, for ${fault.ms} ms`;
    case "partition":
      return `partition: ${fault.shape}, for ${fault.ms} ms`;
    case "loss":
      return `${fault.percent} % of what the others send to ${who} is lost, for ${fault.ms} ms`;
    case "slow":
      return `what ${who} sends goes at ${fault.kbit} kbit/s, for ${fault.ms} ms`;
    case "disk":
      return `disk full at ${who}${fault.restart ? ", which is killed and started on it" : ""}, for ${fault.ms} ms`;
    case "replace":
      return `${who} loses its directory and is replaced`;
    default:
      return fault satisfies never;
  }
}
