// Where fairness meets a request: between who asks and what they may.
import type { Socket } from "node:net";
import type { MiddlewareHandler } from "hono";
import type { Kind } from "../../../shared/api/resource.ts";
import { admins, type User } from "../../rbac/user.ts";
import { whenClosed } from "../closed.ts";
import type { KindSet } from "../../registry/kind_set.ts";
import type { Env, HttpContext } from "../context.ts";
import { isLongRunning } from "../request.ts";
import type { Fairness } from "./fairness.ts";
import { type Level, levelOf, widthOf } from "./levels.ts";

/** How many objects there are of a kind, in one namespace or all. */
export type CountOf = (kind: Kind, namespace?: string) => number;

export function inTurn(
  fairness: Fairness,
  kinds: KindSet,
  countOf: CountOf,
  waited: (level: Level, ms: number) => void = () => {},
): MiddlewareHandler<Env> {
  const known = new WeakMap<Socket, string>();
  /** A connection belongs to whom it was first used by. */
  function count(c: HttpContext, level: Level, user: string): void {
    const socket = c.env?.incoming?.socket;
    if (!socket || known.has(socket)) return;
    let end: () => void;
    try {
      end = fairness.connection(level, user);
    } catch (error) {
      c.header("connection", "close");
      throw error;
    }
    known.set(socket, user);
    socket.once("close", end);
  }
  return async (c, next) => {
    const { asking, info, query } = c.var, level = levelOf(asking, info), user = payer(c, asking, level);
    count(c, level, user);
    if (isLongRunning(info)) whenClosed(c, fairness.watch(level, user));
    const turn = await fairness.turn({
      level,
      user,
      width: widthOf(info, query, () => {
        const { group, version, plural, namespace } = info.resource!, kind = kinds.find(group, version, plural);
        return kind ? countOf(kind, namespace || undefined) : 0;
      }),
      unlimited: asking.groups.includes(admins),
      gone: () => c.env?.upgrade?.gone ?? c.req.raw.signal,
    });
    c.set("waitedMs", turn.waitedMs);
    waited(level, turn.waitedMs);
    try {
      await next();
    } finally {
      turn.end();
    }
  };
}

/** Whose name is nobody's is known by where they come from. */
const payer = (c: HttpContext, { name }: User, level: Level): string =>
  level === "unauthenticated" ? c.env?.incoming?.socket?.remoteAddress ?? "" : name;
