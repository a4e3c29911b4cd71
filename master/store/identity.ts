// The names that a member, a process, a cluster and a life of a cluster draw for themselves. Random, so that nobody has to be asked; long enough never to meet again.
import type { Random } from "../../shared/util/clock.ts";
import type { Identity } from "./wal_format.ts";

const hex = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");

/** 32 hex digits. */
export const newClusterId = (random: Random): string => hex(random, 32);
/** 16 hex digits: one life of a cluster, until it is restored or forced anew. */
export const newEpoch = (random: Random): string => hex(random, 16);
/** Below 2^53, and never 0, which means nobody. */
export const newId = (random: Random): number => 1 + Math.floor(random() * (Number.MAX_SAFE_INTEGER - 1));
export const newIdentity = (random: Random): Identity => ({
  clusterId: newClusterId(random),
  clusterEpoch: newEpoch(random),
  memberId: newId(random),
});
