// How a master begins and ends: what it refuses to start on is told by name and left as it was, and when it is asked to stop it stops.
import { cp, open, readdir, rm, writeFile } from "node:fs/promises";
import process from "node:process";
import * as assert from "uvu/assert";
import { type MasterProcess, masterProcess, runtime, withMaster } from "../kit/master_process.ts";
import { digest, refused } from "../kit/refused.ts";
import { suite } from "../kit/suite.ts";

interface Context {
  /** Has run once, and holds a few objects. */
  master: MasterProcess;
}
const start = async (): Promise<Context> => {
  const master = await masterProcess();
  await master.start();
  await fill(master);
  return { master };
};
const test = suite<Context>("a master that begins and ends", {
  setup: start,
  teardown: ({ master }) => master.close(),
  timeoutMs: 120_000,
});

async function fill({ client }: MasterProcess): Promise<void> {
  for (let index = 0; index < 20; index++) {
    const body = { metadata: { name: `map-${index}`, namespace: "default" }, data: { text: "x".repeat(2_000) } };
    const { status } = await client.ask("POST", "/api/v1/namespaces/default/configmaps", { body });
    assert.is(status, 201);
  }
}

test("SIGTERM ends it in seconds with watches open, and everything is there again", async ({ master }) => {
  const ends: Promise<number>[] = [];
  for (const path of ["/api/v1/configmaps", "/api/v1/namespaces", "/apis/apps/v1/deployments"]) {
    ends.push((async () => {
      let events = 0;
      for await (const _ of master.client.watch(`${path}?watch=1`, AbortSignal.timeout(60_000))) events++;
      return events;
    })());
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.stdout.write(`${runtime}: a master with 0 nodes holds ${(master.rssBytes() / 2 ** 20).toFixed(0)} MiB\n`);
  const { code, ms } = await master.stop();
  assert.is(code, 0);
  assert.ok(ms < 5_000, `it took ${ms} ms`);
  assert.ok((await ends[0]!) >= 20);
  await Promise.all(ends);
  assert.not.match(master.log(), /"level":"error"/);

  await master.start();
  const { body } = await master.client.ask("GET", "/api/v1/namespaces/default/configmaps");
  assert.is(body.items.filter((item: { metadata: { name: string } }) => item.metadata.name.startsWith("map-")).length, 20);
});

test("SIGTERM while it starts ends it, too", async ({ master }) => {
  await master.stop();
  for (const moment of ['"Leading"', '"The master serves"']) {
    const before = master.log().length;
    master.spawn();
    while (!master.log().slice(before).includes(moment)) await new Promise((resolve) => setTimeout(resolve, 1));
    const code = await Promise.race([
      master.stop().then((ended) => ended.code),
      new Promise((resolve) => setTimeout(resolve, 20_000, "runs on")),
    ]);
    assert.is(code, 0, `told at ${moment}`);
  }
});

test("a second master on the same directory is refused, and the first one never notices", async ({ master }) => {
  const { code, said } = await refused({ dataDir: master.dataDir });
  assert.is(code, 1);
  assert.match(said, new RegExp(`Cannot use ${master.dataDir}/raft/lock\\S*: process ${master.pid} holds it; stop that process first`));
  assert.is((await master.client.ask("GET", "/api/v1/namespaces/default/configmaps/map-3")).status, 200);
});

test("an address that is taken is named", async ({ master }) => {
  for (const option of ["--listen", "--mqtt-listen"]) {
    const { code, said } = await refused({ args: [option, `127.0.0.1:${master.port}`] });
    assert.is(code, 1);
    assert.match(said, new RegExp(`^skerry-master: Cannot listen (for MQTT )?on 127.0.0.1:${master.port}: .*EADDRINUSE`));
  }
});

test("a data directory that cannot be is named", async ({ master }) => {
  await writeFile(`${master.directory}/file`, "");
  for (const dataDir of [`${master.directory}/file`, `${master.directory}/file/below`, "/sys/skerry"]) {
    const { code, said } = await refused({ dataDir });
    assert.is(code, 1);
    assert.match(said, new RegExp(`^skerry-master: Cannot use the data directory ${dataDir}: `));
  }
});

test("keys and logs that are damaged are named, and nothing is touched", async ({ master }) => {
  await master.stop();
  const broken = async (damage: (dataDir: string) => Promise<string>): Promise<void> => {
    const dataDir = `${master.directory}/broken`;
    await cp(master.dataDir, dataDir, { recursive: true });
    const name = await damage(dataDir), before = digest(dataDir);
    const { code, said } = await refused({ dataDir });
    assert.is(code, 1, name);
    assert.ok(said.startsWith("skerry-master: Cannot ") && said.includes(`${dataDir}/${name}`), `${name}: ${said}`);
    assert.is(digest(dataDir), before, `${name}: the refused start changed something`);
    await rm(dataDir, { recursive: true });
  };
  const overwrite = async (path: string, at: number): Promise<void> => {
    const file = await open(path, "r+");
    await file.write("damaged, on purpose", at);
    await file.close();
  };

  for (const name of ["pki/ca.crt", "pki/ca.key", "pki/server.key", "pki/admin.crt"]) {
    await broken(async (dataDir) => {
      await writeFile(`${dataDir}/${name}`, "-----BEGIN CERTIFICATE-----\nnot one\n");
      return name;
    });
  }
  await broken(async (dataDir) => {
    await rm(`${dataDir}/pki/ca.key`); // a new authority in its place would lock out every node
    return "pki/ca.key";
  });
  await broken(async (dataDir) => {
    await cp(`${dataDir}/pki/admin.key`, `${dataDir}/pki/ca.key`);
    return "pki/ca.key";
  });
  for (const at of [20, 8_000]) { // in the header of the segment; in the middle, with whole frames behind
    await broken(async (dataDir) => {
      const name = (await readdir(`${dataDir}/raft/wal`)).find((entry) => entry.endsWith(".seg"))!;
      await overwrite(`${dataDir}/raft/wal/${name}`, at);
      return `raft/wal/${name}`;
    });
  }
});

const wrong = suite("a command line that is wrong", { timeoutMs: 30_000 });

wrong("is answered in words, with status 2", async () => {
  for (const args of [["--frobnicate"], ["--listen", "nonsense"], ["--pod-network", "10.0.0.0"], ["--log-level", "loud"]]) {
    const { code, said } = await refused({ args });
    assert.is(code, 2, args.join(" "));
    assert.ok(said.includes(args[0]!), said);
  }
});

wrong("does not keep the next one from running", () =>
  withMaster(async ({ client }) => {
    assert.is((await client.ask("GET", "/readyz")).status, 200);
  }));
