// The scripts in scenarios/ against the real state machine: what test/kit/raft_script.ts makes of them is what stands there. Run by hand with `--rewrite`
// (`node test/kit/file.ts test/master/store/raft/scenarios_test.ts --rewrite`), it renews the transcripts; the diff is reviewed.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { Raft } from "../../../../master/store/raft/raft.ts";
import { rewritten } from "../../../kit/raft_script.ts";
import { raftMutants, raftSource } from "../../../kit/raft_source.ts";
import { suite } from "../../../kit/suite.ts";

const directory = fileURLToPath(new URL("scenarios/", import.meta.url));
const test = suite("raft scenarios", { timeoutMs: 20_000 });

const scripts = readdirSync(directory).sort().map((name) => ({ name, text: readFileSync(directory + name, "utf8") }));

for (const { name, text } of scripts) {
  const about = /^# (.*)/.exec(text)?.[1] ?? name;
  test(`${name} ${about}`, () => {
    const told = rewritten(text, Raft);
    if (process.argv.includes("--rewrite")) writeFileSync(directory + name, told);
    else assert.is(told, text, name);
    assert.not.match(told, /FAILED:/);
  });
}

test("each of the simulation's mutants of the state machine changes a transcript", async () => {
  const unseen: string[] = [];
  for (const mutant of raftMutants) {
    const { Raft: Mutated } = await raftSource({ mutant });
    if (!scripts.some(({ text }) => rewritten(text, Mutated) !== text)) unseen.push(mutant.name);
  }
  assert.equal(unseen, []);
});
