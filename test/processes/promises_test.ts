// What clients build on, against a master as users run it: no write is lost, watches and lists are parts of one history, and nobody waits for a slow reader.
import { Buffer } from "node:buffer";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import * as assert from "uvu/assert";
import type { Json } from "../../shared/api/schema.ts";
import { seeded } from "../../shared/util/clock.ts";
import type { ApiClient, WatchedEvent } from "../kit/api_client.ts";
import { pick, upTo } from "../kit/chance.ts";
import { runtime, withMaster } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite("a master's promises", { timeoutMs: 240_000 });
const all = "/api/v1/namespaces/default/configmaps";

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data: Readonly<Record<string, string>>;
}
type Names = Readonly<Record<string, ConfigMap>>;
const byName = (items: readonly ConfigMap[]): Names => Object.fromEntries(items.map((item) => [item.metadata.name, item]));

async function write(client: ApiClient, method: string, name: string, data?: Json): Promise<number> {
  const path = method === "POST" ? all : `${all}/${name}`, body = { metadata: { name }, data };
  const answer = await client.ask(method, path, method === "DELETE" ? {} : { body });
  return answer.status;
}

test("of fifty who write one object at a time none loses an update", () =>
  withMaster(async ({ client }) => {
    assert.is(await write(client, "POST", "shared", { count: "0" }), 201);
    const rounds = 4;
    let refused = 0;
    /** Reads, adds one, and writes if nobody was there since. */
    const counter = async (): Promise<void> => {
      for (let done = 0; done < rounds;) {
        const { body: seen } = await client.ask("GET", `${all}/shared`);
        const data = { ...seen.data, count: String(Number(seen.data.count) + 1) };
        const { status } = await client.ask("PUT", `${all}/shared`, { body: { ...seen, data } });
        if (status === 200) done++;
        else {
          assert.is(status, 409);
          refused++;
        }
      }
    };
    /** Says one thing of its own, whatever else the object says. */
    const patcher = async (key: string): Promise<void> => {
      for (let round = 1; round <= rounds; round++) {
        const type = "application/merge-patch+json", body = { data: { [key]: String(round) } };
        assert.is((await client.ask("PATCH", `${all}/shared`, { type, body })).status, 200);
      }
    };
    const keys = Array.from({ length: 25 }, (_, i) => `k${i}`);
    await Promise.all([...keys.map(counter), ...keys.map(patcher)]);
    const { body } = await client.ask("GET", `${all}/shared`);
    assert.equal(body.data, { count: String(25 * rounds), ...Object.fromEntries(keys.map((key) => [key, String(rounds)])) });
    assert.ok(refused > 0, "somebody was in somebody's way, or nothing was tried");
  }));

/** As many writes by chance, on a dozen names; after each, `look`. */
async function busyWrites(
  client: ApiClient,
  seed: number,
  count: number,
  look: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const random = seeded(seed);
  for (let i = 0; i < count; i++) {
    const name = `c${upTo(random, 12)}`,
      status = await write(client, pick(random, ["POST", "PUT", "PUT", "DELETE"]), name, { at: String(i) });
    assert.ok([200, 201, 404, 409].includes(status), `answered with ${status}`);
    await look();
  }
}

test("a watch from any version tells the difference between the list of then and the list of now", () =>
  withMaster(async ({ client }) => {
    const lists: { readonly version: string; readonly items: Names }[] = [];
    const note = async (): Promise<void> => {
      const { body } = await client.ask("GET", all);
      lists.push({ version: body.metadata.resourceVersion, items: byName(body.items) });
    };
    await note();
    await busyWrites(client, 5, 60, note);
    assert.is(await write(client, "POST", "last"), 201);
    await note();
    const now = lists.at(-1)!;
    for (const [number, { version, items }] of lists.slice(0, -1).entries()) {
      const folded: Record<string, ConfigMap> = { ...items }, stop = new AbortController();
      let next = number;
      for await (const { type, object } of client.watch(`${all}?watch=true&resourceVersion=${version}`, stop.signal)) {
        // Whatever was listed before this happened shows what has happened until then.
        for (; Number(lists[next]!.version) < Number(object.metadata.resourceVersion); next++) {
          assert.equal(folded, lists[next]!.items, `from ${version} to ${lists[next]!.version}`);
        }
        if (type === "DELETED") delete folded[object.metadata.name];
        else folded[object.metadata.name] = object;
        if (object.metadata.name === "last") break;
      }
      stop.abort();
      assert.equal(folded, now.items, `from ${version}`);
    }
  }));

test("all pages of a list are one snapshot while others write", () =>
  withMaster(async ({ client }) => {
    for (let i = 0; i < 12; i++) await write(client, "POST", `c${i}`, { at: "first" });
    const stop = { asked: false };
    const writer = async (seed: number): Promise<void> => {
      for (; !stop.asked; seed += 10) await busyWrites(client, seed, 10);
    };
    const writers = [1, 2, 3].map(writer);
    let moved = 0;
    try {
      for (let round = 0; round < 15; round++) {
        const items: ConfigMap[] = [], versions = new Set<string>();
        for (let next = "";;) {
          const { status, body } = await client.ask(
            "GET",
            `${all}?limit=${1 + round % 4}${next && `&continue=${encodeURIComponent(next)}`}`,
          );
          assert.is(status, 200);
          items.push(...body.items);
          versions.add(body.metadata.resourceVersion);
          next = body.metadata.continue ?? "";
          if (next === "") break;
        }
        const [version] = versions;
        assert.is(versions.size, 1);
        const { body: whole } = await client.ask("GET", `${all}?resourceVersion=${version}&resourceVersionMatch=Exact`);
        assert.equal(items, whole.items, `at ${version}`);
        if ((await client.ask("GET", all)).body.metadata.resourceVersion !== version) moved++;
      }
    } finally {
      stop.asked = true;
      await Promise.allSettled(writers);
    }
    await Promise.all(writers);
    assert.ok(moved > 0, "nobody wrote meanwhile");
  }));

// Looked at from Node only, whichever runtime the master has: Deno's TLS client stays silent for good once it has been told to pause.
for (const on of runtime === "node" ? ["node", "deno"] as const : []) {
  test(`who watches a master on ${on} and does not read holds up no writer, and hears in the end that it is too late`, () =>
    withMaster(async ({ client, rssBytes }) => {
      const { url, ca, cert, key } = client, value = "x".repeat(1_000_000), writes = 150; // more than the history that is kept
      assert.is(await write(client, "POST", "large", { value }), 201);
      const { body: { metadata } } = await client.ask("GET", all), before = rssBytes();
      const slow = await new Promise<IncomingMessage>((resolve, reject) => {
        const path = `${url}${all}?watch=true&resourceVersion=${metadata.resourceVersion}`;
        https.get(path, { ca, cert, key, agent: false }, resolve).on("error", reject);
      });
      slow.pause();
      for (let i = 0; i < writes; i++) assert.is(await write(client, "PUT", "large", { value, at: String(i) }), 200);
      assert.ok(rssBytes() - before < 400 * 2 ** 20, "what the watcher has not read is not kept for it");

      let kept = "";
      const last = await new Promise<WatchedEvent>((resolve, reject) => {
        slow.on("data", (chunk: Uint8Array) => {
          kept += Buffer.from(chunk).toString("latin1");
          kept = kept.slice(kept.lastIndexOf("\n", kept.length - 2) + 1);
        });
        slow.on("end", () => resolve(JSON.parse(kept)));
        slow.on("error", reject);
        slow.resume();
      });
      assert.equal([last.type, last.object.code, last.object.reason], ["ERROR", 410, "Expired"]);
    }, { runtime: on }));
}
