// Every call to the disk, in turn, is the last of the process: before it is made, or just after. Then somebody looks: the old is there, or all of the new.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { isVacant, place, replace, settle } from "../../../../master/store/disaster/place.ts";
import { type Directories, nodeDirectories } from "../../../../master/store/files.ts";
import { rejects, suite } from "../../../kit/suite.ts";
import { removeTestDirectory, testDirectory } from "../../../kit/test_directory.ts";

const test = suite("place", { timeoutMs: 20_000 });

/** The process dies at call number `at`: in its place, or right behind it. */
function dying(at: number, when: "before" | "after"): { directories: Directories; calls: () => number } {
  let calls = 0;
  const wrap = <A extends unknown[], T>(call: (...args: A) => Promise<T>) => async (...args: A): Promise<T> => {
    const mine = ++calls === at;
    if (mine && when === "before") throw new Error("killed");
    const result = await call(...args);
    if (mine) throw new Error("killed");
    return result;
  };
  const { list, rename, makeDirectory, removeTree, syncDirectory } = nodeDirectories;
  return {
    directories: {
      list: wrap(list),
      rename: wrap(rename),
      makeDirectory: wrap(makeDirectory),
      removeTree: wrap(removeTree),
      syncDirectory: wrap(syncDirectory),
    },
    calls: () => calls,
  };
}
const fill = (text: string) => (directory: string): Promise<void> => {
  mkdirSync(`${directory}/wal`);
  writeFileSync(`${directory}/wal/one`, text);
  writeFileSync(`${directory}/wal/two`, text);
  return Promise.resolve();
};
const read = (directory: string): string[] => {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.startsWith("wal/")).sort();
  return names.map((name) => `${name} ${readFileSync(`${directory}/${name}`, "utf8")}`);
};
const all = (text: string): string[] => [`wal/one ${text}`, `wal/two ${text}`];

/** @returns how many calls there are, and what was found after each of them */
async function everyCall(
  work: (directories: Directories, store: string) => Promise<void>,
  prepare: (store: string) => void,
  check: (root: string, done: boolean) => Promise<string> | string,
): Promise<string[]> {
  const found: string[] = [];
  for (let at = 1;; at++) {
    for (const when of ["before", "after"] as const) {
      const root = testDirectory("place");
      try {
        prepare(`${root}/raft`);
        const { directories, calls } = dying(at, when);
        let done = false;
        await work(directories, `${root}/raft`).then(() => done = true, (error) => assert.is(error.message, "killed"));
        if (calls() < at) return found;
        found.push(await check(root, done));
      } finally {
        removeTestDirectory(root);
      }
    }
  }
}

test("replace() leaves the old store or all of the new, whenever it is killed, and what was there under its other name", async () => {
  const found = await everyCall(
    (directories, store) => replace(directories, store, `${store}.kept`, fill("new")),
    (store) => {
      mkdirSync(store);
      void fill("old")(store);
    },
    async (root, done) => {
      await settle(nodeDirectories, `${root}/raft`); // what a start does first
      const names = readdirSync(root).sort(), what = read(`${root}/raft`);
      if (what.join() === all("old").join()) assert.equal([names, done], [["raft"], false]);
      else {
        assert.equal(what, all("new"));
        assert.equal(names, ["raft", "raft.kept"]);
        assert.equal(read(`${root}/raft.kept`), all("old"));
      }
      // And again from there.
      await replace(nodeDirectories, `${root}/raft`, `${root}/raft.again`, fill("again"));
      assert.equal([read(`${root}/raft`), read(`${root}/raft.again`)], [all("again"), what]);
      return what[0]!;
    },
  );
  assert.ok(found.length >= 18, `${found.length} places`);
  assert.equal([...new Set(found)].length, 2, "both outcomes were seen");
});

test("place() leaves nothing or all, whenever it is killed", async () => {
  for (const empty of [true, false]) {
    const found = await everyCall(
      (directories, store) => place(directories, store, fill("new")),
      (store) => void (empty && mkdirSync(store)),
      async (root) => {
        const vacant = await isVacant(nodeDirectories, `${root}/raft`);
        if (!vacant) assert.equal([read(`${root}/raft`), readdirSync(root)], [all("new"), ["raft"]]);
        else await place(nodeDirectories, `${root}/raft`, fill("again"));
        return String(vacant);
      },
    );
    assert.equal([...new Set(found)].sort(), ["false", "true"]);
  }
});

test("place() never takes the place of a store that began meanwhile", async () => {
  const root = testDirectory("place"), store = `${root}/raft`;
  try {
    await rejects(place(nodeDirectories, store, async (directory) => {
      await fill("new")(directory);
      mkdirSync(store);
      await fill("old")(store);
    }));
    assert.equal(read(store), all("old"));
    assert.is(await isVacant(nodeDirectories, store), false);
  } finally {
    removeTestDirectory(root);
  }
});
