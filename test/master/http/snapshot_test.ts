import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { statusResponse, toStatus } from "../../../master/http/errors.ts";
import { snapshotRoutes } from "../../../master/http/snapshot.ts";
import type { BackupSource } from "../../../master/store/replica_needs.ts";
import { StoreError } from "../../../master/store/store.ts";
import { backupsAtOnce, watchStallMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const chunks = [Buffer.from("one "), Buffer.from("two "), Buffer.from("three")];
function serving(backup?: () => Promise<BackupSource>) {
  const clock = new HandCrankedClock(), seen = { open: 0 };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    seen.open++;
    try {
      yield* chunks;
    } finally {
      seen.open--;
    }
  }
  const routes = snapshotRoutes(backup ?? (() => Promise.resolve({ size: 13, bytes })), clock);
  routes.onError((error) => statusResponse(toStatus(error, ""), {}));
  return { clock, seen, ask: async (init?: RequestInit) => await routes.request("/", init) };
}
const test = suite("/skerry/v1/snapshot");

test("is the snapshot, and says how long it is", async () => {
  const { ask, seen } = serving(), response = await ask();
  assert.equal([response.status, response.headers.get("content-length")], [200, "13"]);
  assert.equal([await response.text(), seen.open], ["one two three", 0]);
});

test("is read by few at a time, and whoever ends makes room: at the end, by going, or by reading nothing", async () => {
  const { ask, seen, clock } = serving();
  const readers = await Promise.all(Array.from({ length: backupsAtOnce }, async () => (await ask()).body!.getReader()));
  for (const reader of readers) await reader.read();
  assert.is(seen.open, backupsAtOnce);
  assert.is((await ask()).status, 429);

  await readers[0]!.cancel();
  assert.is(seen.open, backupsAtOnce - 1);
  const whole = await ask();
  assert.is(whole.status, 200);
  assert.is((await ask()).status, 429, "it has begun, though nobody reads it yet");
  await whole.text();
  const unread = await ask();
  await unread.body!.cancel();

  const slow = (await ask()).body!.getReader();
  await slow.read();
  assert.is((await ask()).status, 429);
  clock.advance(watchStallMs);
  await slow.read().then(() => assert.unreachable("it was cut"), (error) => assert.match(error.message, "has read nothing"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.is(seen.open, 0);
  assert.is(await (await ask()).text(), "one two three");
});

test("is refused in the store's words, and costs no place", async () => {
  for (const [reason, status] of [["NoQuorum", 503], ["Closed", 503], ["NoSpace", 507]] as const) {
    const { ask } = serving(() => Promise.reject(new StoreError(reason, "Cannot: it is so")));
    for (let times = 0; times <= backupsAtOnce; times++) {
      const response = await ask();
      assert.equal([response.status, (await response.json()).message], [status, "Cannot: it is so"]);
    }
  }
  const { ask } = serving();
  for (let times = 0; times <= backupsAtOnce; times++) assert.is((await ask({ method: "HEAD" })).status, 405);
});
