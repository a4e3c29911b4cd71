// Whose share does a request take from? Few levels, each with seats of its own, so that none can take another's; within a level, each user has a share.
import { fairQueue, nodeSeats, seatObjects, unauthenticatedQueue, unauthenticatedSeats } from "../../../shared/limits.ts";
import { isHealthPath } from "../../rbac/authorizer.ts";
import { admins, nodeName, unauthenticated, type User } from "../../rbac/user.ts";
import type { RequestInfo } from "../request.ts";
import type { Bounds } from "./shares.ts";

export type Level = "exempt" | "nodes" | "users" | "unauthenticated";

/**
 * Health is asked for when all else waits; masters ask each other what a user waits for. Nodes come rarely, and by themselves: what people do must not hold
 * them up, nor a stolen one hold up people.
 */
export function levelOf({ name, groups }: User, { path }: RequestInfo): Level {
  if (isHealthPath(path) || (path.startsWith("/skerry/") && groups.includes(admins))) return "exempt";
  if (groups.includes(unauthenticated)) return "unauthenticated";
  return nodeName({ name, groups }) === undefined ? "users" : "nodes";
}

/** @param seats of users */
export const boundsOf = (seats: number): Readonly<Record<Exclude<Level, "exempt">, Bounds>> => ({
  users: { seats, seatsPerUser: Math.ceil(seats / 2), ...fairQueue },
  nodes: { seats: nodeSeats, seatsPerUser: Math.ceil(nodeSeats / 8), ...fairQueue },
  unauthenticated: {
    seats: unauthenticatedSeats,
    seatsPerUser: Math.ceil(unauthenticatedSeats / 2),
    queued: unauthenticatedQueue,
    queuedInAll: unauthenticatedQueue,
  },
});

/** Seats of a request: what goes through many objects takes several. @param objects of the collection that it goes through */
export function widthOf({ verb }: RequestInfo, query: URLSearchParams, objects: () => number): number {
  if (verb !== "list" && verb !== "deletecollection") return 1;
  const limit = Number(query.get("limit") ?? 0), all = objects();
  // A selector finds few among all, and all of them are looked at.
  const looked = limit > 0 && !query.has("labelSelector") && !query.has("fieldSelector") ? Math.min(limit, all) : all;
  return 1 + Math.floor(looked / seatObjects);
}
