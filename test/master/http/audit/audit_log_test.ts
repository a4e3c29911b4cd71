import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import * as assert from "uvu/assert";
import { AuditLog } from "../../../../master/http/audit/audit_log.ts";
import { auditQueueBytes, auditTroubleMs } from "../../../../shared/limits.ts";
import { HandCrankedClock } from "../../../../shared/util/clock.ts";
import { type Log, silentLog } from "../../../../shared/util/log.ts";
import { until } from "../../../kit/eventually.ts";
import { suite } from "../../../kit/suite.ts";
import { removeTestDirectory, testDirectory } from "../../../kit/test_directory.ts";

interface Context {
  readonly directory: string;
  readonly clock: HandCrankedClock;
  readonly told: unknown[][];
  readonly log: AuditLog;
  stop(): Promise<void>;
}
const test = suite<Context>("AuditLog", {
  setup() {
    const directory = testDirectory("audit"), clock = new HandCrankedClock(), told: unknown[][] = [], stop = new AbortController();
    const log: Log = { ...silentLog, error: (...line) => told.push(line) };
    const lines = new AuditLog({ clock, log }, { path: `${directory}/audit.log`, maxBytes: 1000, backups: 2 }),
      ended = lines.run(stop.signal);
    return {
      directory,
      clock,
      told,
      log: lines,
      async stop() {
        stop.abort();
        await ended;
      },
    };
  },
  async teardown({ directory, stop }) {
    await stop();
    removeTestDirectory(directory);
  },
});
const line = (index: number): string => `${JSON.stringify({ index, x: "x".repeat(80) })}\n`;

test("writes every line, exchanges a full file for a new one, and keeps so many", async ({ directory, log, clock }) => {
  for (let index = 0; index < 60; index++) {
    log.write(line(index));
    await until(() => log.written === index + 1);
    clock.advance(10);
  }
  const files = (await readdir(directory)).sort();
  assert.is(files.length, 3);
  assert.is(files.at(-1), "audit.log");
  assert.match(files[0]!, /^audit-2026-01-01T00-00-00\.\d{3}\.log$/);
  assert.is((await stat(`${directory}/audit.log`)).mode & 0o777, 0o600);
  const texts = await Promise.all(files.map((file) => readFile(`${directory}/${file}`, "utf8")));
  for (const text of texts) assert.ok(text.length <= 1000);
  const kept = texts.join("").trim().split("\n").map((text) => JSON.parse(text).index as number);
  assert.equal(kept, Array.from({ length: kept.length }, (_, index) => 60 - kept.length + index));
});

test("what was written last is there when it has stopped", async ({ directory, log, stop }) => {
  log.write(line(1));
  await stop();
  assert.is(await readFile(`${directory}/audit.log`, "utf8"), line(1));
});

test("a disk that does not take it loses lines, says so now and then, and is tried again", async ({ directory, log, told, clock }) => {
  await mkdir(`${directory}/audit.log`); // a directory cannot be written to
  for (let index = 0; index < 3; index++) {
    log.write(line(index));
    await until(() => log.dropped === index + 1);
  }
  assert.is(told.length, 1);
  clock.advance(auditTroubleMs);
  log.write(line(3));
  await until(() => log.dropped === 4);
  assert.equal([told[1]![0], (told[1]![1] as { lines: number }).lines], ["Lines of the audit log are lost", 3]);
  await rm(`${directory}/audit.log`, { recursive: true });
  log.write(line(4));
  await until(() => log.written === 1);
  assert.is(await readFile(`${directory}/audit.log`, "utf8"), line(4));
});

test("a disk that is too slow holds up nobody: what waits is bounded", ({ log }) => {
  const large = "x".repeat(1024 * 1024);
  for (let bytes = 0; bytes <= auditQueueBytes; bytes += large.length) log.write(large);
  assert.is(log.dropped, 1);
});
