import * as assert from "uvu/assert";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { takeLock } from "../../../shared/platform/lock.ts";
import { rejects, suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const test = suite("lock", {
  timeoutMs: 20_000,
  setup: () => ({ directory: testDirectory("lock") }),
});

test("takeLock() refuses while a living process holds it, and names that process", async ({ directory }) => {
  const path = join(directory, "lock"), unlock = await takeLock(path);
  assert.match((await rejects(takeLock(path))).message, `Cannot use ${path}.1: process ${process.pid} holds it`);
  await unlock();
  assert.equal(readdirSync(directory), []);
  await (await takeLock(path))();
});

test("takeLock() takes over from a process that was killed", async ({ directory }) => {
  const path = join(directory, "lock");
  const source = `import { takeLock } from ${JSON.stringify(new URL("../../../shared/platform/lock.ts", import.meta.url).href)};
    await takeLock(${JSON.stringify(path)}); process.stdout.write("locked"); setInterval(() => {}, 1000);`;
  writeFileSync(join(directory, "holder.mjs"), `import process from "node:process";\n${source}`);
  const holder = spawn(process.execPath, [...(process.versions.deno ? ["run", "-A"] : ["--no-warnings"]), join(directory, "holder.mjs")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    assert.match((await rejects(takeLock(path))).message, `process ${holder.pid} holds it`);
  } finally {
    holder.kill("SIGKILL");
    await new Promise((resolve) => holder.once("exit", resolve));
  }
  await (await takeLock(path))();
});

test("takeLock() is not misled by a process id that came back, nor by half a file", async ({ directory }) => {
  const path = join(directory, "lock"), unlock = await takeLock(path), mine = JSON.parse(readFileSync(`${path}.1`, "utf8"));
  await unlock();
  for (const stale of [{ ...mine, started: "1" }, { ...mine, boot: "another" }]) {
    writeFileSync(`${path}.4`, JSON.stringify(stale));
    await (await takeLock(path))();
  }
  writeFileSync(`${path}.4`, '{"pid":1,');
  await (await takeLock(path))();
  assert.equal(readdirSync(directory), []);
});

test("takeLock() lets exactly one of many through", async ({ directory }) => {
  const path = join(directory, "lock");
  writeFileSync(`${path}.1`, JSON.stringify({ pid: process.pid, started: "1", boot: "another" }));
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path)));
  assert.is(results.filter(({ status }) => status === "fulfilled").length, 1);
});
