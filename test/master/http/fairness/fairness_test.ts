import * as assert from "uvu/assert";
import { type Asking, Fairness, type FairnessConfig, type Turn } from "../../../../master/http/fairness/fairness.ts";
import { levelOf, widthOf } from "../../../../master/http/fairness/levels.ts";
import { parseRequest } from "../../../../master/http/request.ts";
import type { User } from "../../../../master/rbac/user.ts";
import { fairQueue, fairQueueMs, seatObjects, unauthenticatedPerSecond } from "../../../../shared/limits.ts";
import { HandCrankedClock } from "../../../../shared/util/clock.ts";
import { shortly } from "../../../kit/eventually.ts";
import { rejects, suite } from "../../../kit/suite.ts";

const config: FairnessConfig = { maxRequestsInflight: 4, userRequestsPerSecond: 0, userWatches: 2, userConnections: 2 };
const asking = (user: string, more: Partial<Asking> = {}): Asking => ({
  level: "users",
  user,
  width: 1,
  unlimited: false,
  gone: () => undefined,
  ...more,
});
interface Context {
  readonly clock: HandCrankedClock;
  readonly refused: string[];
  readonly fairness: Fairness;
}
const open = (more: Partial<FairnessConfig> = {}): Context => {
  const clock = new HandCrankedClock(), refused: string[] = [];
  const fairness = new Fairness({ clock, refused: (level, why) => void refused.push(`${level} ${why}`) }, { ...config, ...more });
  return { clock, refused, fairness };
};
const test = suite<Context>("Fairness", { setup: () => open() });
const begun = async (turns: readonly Promise<Turn>[]): Promise<number> => {
  let count = 0;
  for (const turn of turns) void turn.then(() => count++, () => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  return count;
};

test("a user with many requests waits, one with few does not; what has waited begins when something ends", async ({ fairness, clock }) => {
  const hog = Array.from({ length: 10 }, () => fairness.turn(asking("hog")));
  assert.is(await begun(hog), 2);
  const quiet = await fairness.turn(asking("quiet"));
  assert.is(quiet.waitedMs, 0);
  assert.equal(fairness.status[0], { level: "users", running: 3, waiting: 8 });
  clock.advance(30);
  (await hog[0]!).end();
  assert.is((await hog[2]!).waitedMs, 30);
});

test("a full queue, a long wait and a spent bucket are 429, which say when to come again", async ({ fairness, clock, refused }) => {
  const hog = Array.from({ length: fairQueue.queued + 2 }, () => fairness.turn(asking("hog")));
  for (const turn of hog) turn.catch(() => {});
  const full = await rejects(fairness.turn(asking("hog"))) as Error & { code: number; details: unknown };
  assert.equal([full.code, full.message, full.details], [429, "Too many requests, please try again later.", { retryAfterSeconds: 1 }]);
  clock.advance(fairQueueMs);
  await rejects(hog[2]!);
  assert.equal(fairness.status[0], { level: "users", running: 2, waiting: 0 });
  assert.equal([...new Set(refused)], ["users queue-full", "users time-out"]);

  const slow = open({ userRequestsPerSecond: 1 });
  for (let index = 0; index < 2; index++) (await slow.fairness.turn(asking("a"))).end();
  await rejects(slow.fairness.turn(asking("a")));
  (await slow.fairness.turn(asking("a", { unlimited: true }))).end();
  slow.clock.advance(1000);
  (await slow.fairness.turn(asking("a"))).end();
  assert.equal(slow.refused, ["users rate"]);
});

test("a client that goes while it waits takes nobody's turn", async ({ fairness }) => {
  const gone = new AbortController(), running = [await fairness.turn(asking("a")), await fairness.turn(asking("a"))];
  const left = fairness.turn(asking("a", { gone: () => gone.signal })), next = fairness.turn(asking("a"));
  gone.abort();
  await rejects(left);
  running[0]!.end();
  await next;
  assert.equal(fairness.status[0], { level: "users", running: 2, waiting: 0 });
});

test("levels have seats of their own: strangers do not take those of users, nor users those of nodes", async ({ fairness, refused }) => {
  const stranger = (user: string) => asking(user, { level: "unauthenticated", unlimited: true });
  const strangers = Array.from({ length: 40 }, (_, index) => fairness.turn(stranger(`192.0.2.${index % 4}`)));
  assert.is(await begun(strangers), 8);
  for (const user of ["a", "a", "b", "b"]) await fairness.turn(asking(user));
  await fairness.turn(asking("system:node:n", { level: "nodes" }));
  assert.is((await fairness.turn(asking("c", { level: "exempt" }))).waitedMs, 0);
  const many = Array.from({ length: 2 * unauthenticatedPerSecond + 1 }, () => fairness.turn(asking("x", { level: "unauthenticated" })));
  for (const turn of many) turn.catch(() => {});
  await shortly("a stranger's bucket is spent", () => refused.includes("unauthenticated rate"));
});

test("watches and connections of one user are counted, and given back once", async ({ fairness, refused }) => {
  const [first] = [fairness.watch("users", "a"), fairness.watch("users", "a")];
  assert.throws(() => fairness.watch("users", "a"), /Too many requests/);
  fairness.watch("users", "b");
  first!();
  first!();
  fairness.watch("users", "a");
  assert.throws(() => fairness.watch("users", "a"));
  for (let index = 0; index < 2; index++) fairness.connection("users", "a");
  assert.throws(() => fairness.connection("users", "a"));
  assert.equal([...new Set(refused)], ["users watches", "users connections"]);
});

test("levelOf() and widthOf(): who pays from what, and how much", () => {
  const admin: User = { name: "admin", groups: ["system:masters"] }, someone: User = { name: "someone", groups: [] };
  const node: User = { name: "system:node:n", groups: ["system:nodes"] };
  const stranger: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
  const at = (path: string, query = "") => parseRequest("GET", path, new URLSearchParams(query));
  const table: [User, string, string][] = [
    [admin, "/livez", "exempt"],
    [stranger, "/readyz/ping", "exempt"],
    [admin, "/skerry/v1/members", "exempt"],
    [someone, "/skerry/v1/members", "users"],
    [admin, "/api/v1/pods", "users"],
    [node, "/api/v1/pods", "nodes"],
    [{ name: "system:node:n", groups: [] }, "/api/v1/pods", "users"],
    [stranger, "/version", "unauthenticated"],
  ];
  for (const [user, path, level] of table) assert.is(levelOf(user, at(path)), level, `${user.name} ${path}`);
  const width = (query: string) => widthOf(at("/api/v1/pods", query), new URLSearchParams(query), () => 10 * seatObjects);
  assert.equal(["", "limit=50", "limit=50&labelSelector=a", "limit=0", "watch=1", "limit=x"].map(width), [11, 2, 11, 11, 1, 11]);
});
