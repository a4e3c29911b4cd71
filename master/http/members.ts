// The masters of this cluster, for who looks after them: /skerry/v1/members. Not a kind, since what it shows is Raft's own and is there without a quorum, too.
import { Hono } from "hono";
import * as v from "valibot";
import { ApiError, badRequest } from "../../shared/api/status.ts";
import { inStoreWords } from "../registry/errors.ts";
import type { Members } from "../store/members.ts";
import { StoreError } from "../store/store.ts";
import type { Env } from "./context.ts";

const New = v.strictObject({
  address: v.pipe(v.string(), v.regex(/^.+:\d{1,5}$/, "expected host:port")),
  replaces: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
});

export function memberRoutes(members: Members): Hono<Env> {
  const routes = new Hono<Env>();
  const idOf = (text: string): number => {
    if (!/^[1-9]\d{0,15}$/.test(text)) throw badRequest(`${JSON.stringify(text)} is no member's id`);
    return Number(text);
  };
  routes.get("/", (c) => c.json({ members: members.list() }));
  routes.post("/", async (c) => {
    const body = v.safeParse(New, await c.req.json().catch(() => undefined));
    if (!body.success) throw badRequest(`Cannot add a master: ${body.issues[0].message}`);
    return c.json(await changed(members.add(body.output.address, body.output)), 201);
  });
  routes.post("/:id/promote", async (c) => {
    await changed(members.promote(idOf(c.req.param("id"))));
    return c.json({ members: members.list() });
  });
  routes.delete("/:id", async (c) => {
    await changed(members.remove(idOf(c.req.param("id")), { force: c.req.query("force") === "true" }));
    return c.json({ members: members.list() });
  });
  return routes;
}

/** Only the leader can, and the others have asked it before they come here (between.ts). */
const changed = <T>(change: Promise<T>): Promise<T> =>
  inStoreWords(change.catch((error) => {
    if (!(error instanceof StoreError && error.reason === "NotLeader")) throw error;
    throw new ApiError(
      "ServiceUnavailable",
      "Cannot change the members: this master does not lead, and knows of no other that does or not where it is. Try again; `member list` shows who leads",
      { cause: error },
    );
  }));
