import { appendFile, readFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { rotateLog } from "../../../agent/runtime/log_rotation.ts";
import { containerLogPath, type LogQuery, readLog, rotatedLogPath } from "../../../agent/runtime/logs.ts";
import { HandCrankedClock, systemClock } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

interface Context {
  readonly path: string;
  readonly clock: HandCrankedClock;
}
const test = suite<Context>("readLog()", {
  async setup() {
    return {
      path: join(testDirectory("logs"), "0.log"),
      clock: new HandCrankedClock(Date.parse("2026-11-21T12:01:00Z")),
    };
  },
});
const entry = (second: number, text: string, stream = "stdout", tag = "F") =>
  `2026-11-21T12:00:${String(second).padStart(2, "0")}.123456789+00:00 ${stream} ${tag} ${text}\n`;
const read = async (on: Context, query: LogQuery = {}): Promise<string> => {
  let text = "";
  for await (const part of readLog(on, on.path, query, { signal: new AbortController().signal })) text += new TextDecoder().decode(part);
  return text;
};
const hundred = Array.from({ length: 100 }, (_, index) => entry(index % 60, `line ${index}`)).join("");

test("it shows the text alone, or with the times that the engine wrote", async (on) => {
  await writeFile(on.path, entry(1, "one") + entry(2, "two two", "stderr") + entry(3, ""));
  assert.is(await read(on), "one\ntwo two\n\n");
  assert.is(await read(on, { timestamps: true, stream: "stderr" }), "2026-11-21T12:00:02.123456789Z two two\n");
});

test("parts of a long line come out as one line, with one time", async (on) => {
  await writeFile(
    on.path,
    entry(1, "first") + entry(2, "lo", "stdout", "P") + entry(3, "ng ", "stdout", "P") + entry(4, "line") + entry(5, "last"),
  );
  assert.is(await read(on), "first\nlong line\nlast\n");
  assert.is((await read(on, { timestamps: true })).split("\n")[1], "2026-11-21T12:00:02.123456789Z long line");
  assert.is(await read(on, { tailLines: 2 }), "long line\nlast\n");
});

test("tailLines counts from the end, over block borders", async (on) => {
  const long = "x".repeat(3000);
  await writeFile(on.path, Array.from({ length: 100 }, (_, index) => entry(index % 60, `${index} ${long}`)).join("")); // 300 kB, several blocks
  for (const tailLines of [0, 1, 2, 50, 99, 100, 1000]) {
    const lines = (await read(on, { tailLines })).split("\n").slice(0, -1);
    assert.is(lines.length, Math.min(tailLines, 100));
    if (tailLines > 0) assert.is(lines[0], `${Math.max(0, 100 - tailLines)} ${long}`);
  }
});

test("sinceTime and sinceSeconds leave out what is older", async (on) => {
  await writeFile(on.path, entry(1, "old") + entry(30, "new") + entry(50, "newest"));
  assert.is(await read(on, { sinceTime: Date.parse("2026-11-21T12:00:30Z") }), "new\nnewest\n");
  assert.is(await read(on, { sinceSeconds: 20 }), "newest\n"); // the clock says 12:01:00
});

test("limitBytes cuts the output", async (on) => {
  await writeFile(on.path, hundred);
  assert.is(await read(on, { limitBytes: 10 }), "line 0\nlin");
});

test("an entry that a power cut tore is left out", async (on) => {
  await writeFile(on.path, entry(1, "one") + "2026-11-21T12:0\0\0\0\n" + entry(2, "two") + "2026-11-21T12:00:03 std");
  assert.is(await read(on), "one\ntwo\n");
});

test("no file is no output", async (on) => {
  assert.is(await read(on), "");
});

test("the generation before is read first, as far as it is wanted", async (on) => {
  await writeFile(rotatedLogPath(on.path), entry(1, "a") + entry(2, "b"));
  await writeFile(on.path, entry(3, "c"));
  assert.is(await read(on), "a\nb\nc\n");
  assert.is(await read(on, { tailLines: 2 }), "b\nc\n");
  assert.is(await read(on, { tailLines: 1 }), "c\n");
});

/** Reads with `follow` until told that the container has ended. */
function follow(on: Context) {
  const stop = new AbortController();
  let text = "", running = true;
  const done = (async () => {
    const options = { signal: stop.signal, running: () => running };
    for await (const part of readLog({ clock: on.clock }, on.path, { follow: true }, options)) text += new TextDecoder().decode(part);
  })();
  const until = async (wanted: string) => {
    for (let look = 0; text !== wanted && look < 200; look++) {
      on.clock.advance(200);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.is(text, wanted);
  };
  return { until, stop, done, end: () => running = false };
}

test("follow goes on over a rotation and ends with its container", async (on) => {
  const long = "c".repeat(100); // so that what is shorter than it shows that the file was cut, whenever the follower looks
  await writeFile(on.path, entry(1, "a"));
  const followed = follow(on);
  await followed.until("a\n");
  await appendFile(on.path, entry(2, "b"));
  await rename(on.path, rotatedLogPath(on.path));
  await writeFile(on.path, entry(3, long));
  await followed.until(`a\nb\n${long}\n`);
  await truncate(on.path, 0);
  await appendFile(on.path, entry(4, "d"));
  await followed.until(`a\nb\n${long}\nd\n`);
  await appendFile(on.path, entry(5, "e"));
  followed.end();
  await followed.until(`a\nb\n${long}\nd\ne\n`);
  await followed.done;
});

test("follow ends when its signal aborts", async (on) => {
  const followed = follow(on);
  await followed.until("");
  followed.stop.abort();
  await followed.done;
});

test("rotateLog() starts a new generation from the bound on, and not below", async (on) => {
  await writeFile(on.path, hundred);
  const reopen = () => writeFile(on.path, "");
  assert.is(await rotateLog(systemClock, on.path, 1_000_000, reopen), false);
  assert.is(await rotateLog(systemClock, on.path, hundred.length, reopen), true);
  assert.is(await readFile(rotatedLogPath(on.path), "utf8"), hundred);
  assert.is(await readFile(on.path, "utf8"), "");
});

test("rotateLog() bounds the disk also when the engine does not listen", async (on) => {
  await writeFile(on.path, hundred);
  assert.is(await rotateLog(systemClock, on.path, 1, () => Promise.resolve()), true);
  assert.is(await readFile(on.path, "utf8"), "");
});

test("containerLogPath() is one file per attempt", () => {
  assert.is(containerLogPath("/l", { namespace: "default", name: "web", uid: "u" }, "app", 3), "/l/default_web_u/app/3.log");
});
