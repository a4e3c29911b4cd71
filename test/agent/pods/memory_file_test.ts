import { readFile, writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { newMemory } from "../../../agent/pods/memory.ts";
import { MemoryFile } from "../../../agent/pods/memory_file.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { suite } from "../../kit/suite.ts";
import { testDirectory } from "../../kit/test_directory.ts";

const test = suite("MemoryFile", {
  setup: async () => {
    const directory = testDirectory("memory");
    return { directory, path: `${directory}/pods.json`, file: new MemoryFile(`${directory}/pods.json`) };
  },
});
const state = (bootId: string, ...names: string[]) => ({
  bootId,
  pods: new Map(names.map((name) => [name, newMemory({ uid: name, namespace: "default", name }, 7)])),
});

test("read() gives what was written", async ({ file, path }) => {
  await file.write(state("b", "web"));
  assert.equal(await new MemoryFile(path).read(silentLog), state("b", "web"));
});

test("writes that come while one is under way are written together, the newest last", async ({ file, path }) => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => file.write(state(`b${i}`))));
  assert.is((await new MemoryFile(path).read(silentLog)).bootId, "b19");
  await file.write(state("after"));
  assert.is((await new MemoryFile(path).read(silentLog)).bootId, "after");
});

test("what is not there or cannot be read is as good as nothing", async ({ file, path }) => {
  assert.equal(await file.read(silentLog), { bootId: "", pods: new Map() });
  for (const text of ["", "{", '{"format":9}', "[]", '{"format":1}']) {
    await writeFile(path, text);
    assert.equal(await file.read(silentLog), { bootId: "", pods: new Map() }, text);
  }
  assert.is(await readFile(path, "utf8"), '{"format":1}', "and is left as it is");
});
