// A slice of `npm run explore` for every day, complete within scopes that are small enough; and that the exploration would see what it looks for.
import process from "node:process";
import * as assert from "uvu/assert";
import { seeded } from "../../shared/util/clock.ts";
import { raftSource } from "../kit/raft_source.ts";
import { suite } from "../kit/suite.ts";
import { type Bounds, Explorer } from "./explorer.ts";
import { freeze } from "./freeze.ts";
import { Frontier } from "./frontier.ts";
import { PairTable } from "./hashes.ts";
import { hunted, late, scopes, visibleMutants } from "./hunt.ts";
import { happenings, renamings } from "./members.ts";
import { scriptOf } from "./script.ts";
import { type Situation, situations } from "./situations.ts";

const test = suite("exploration", { timeoutMs: 120_000 });

async function explored(bounds: Bounds, beginnings: readonly Situation[]): Promise<Explorer> {
  const source = await raftSource({ opened: true }), explorer = new Explorer(source, bounds, beginnings);
  const end = explorer.run({ memoryBytes: 1e9, isOver: () => false });
  assert.is(typeof end === "object" ? scriptOf(end, source.Raft) : end, "complete");
  return explorer;
}

test("from empty disks, one election and one crash: every order of everything", async () => {
  const { states } = await explored({ terms: 1, entries: 1, crashes: 1, ticks: 1 }, situations.slice(0, 1));
  assert.ok(states > 10_000);
});

test("from the middle of each story, one election: every order of everything", async () => {
  const { states } = await explored(scopes[0]!, situations);
  process.stdout.write(`measured: ${states} states\n`);
  assert.ok(states > 100_000);
});

test("the mutants of the state machine that concern it are seen", async () => {
  const unseen: string[] = [];
  for (const mutant of visibleMutants) {
    if (!late.includes(mutant.name) && !await hunted(mutant, 60_000, scopes.slice(0, 1))) unseen.push(mutant.name);
  }
  assert.equal(unseen, []);
});

test("what is found wrong is a script that shows it", async () => {
  const found = await hunted(visibleMutants.find(({ name }) => name === "leader_counts_itself_early")!, 60_000);
  const script = scriptOf(found!.finding, found!.source.Raft);
  assert.match(script, /^# \d commits \d@\d, and the disks that have it are no majority/);
  assert.match(script, /\n> tick \d\n {2}\d becomes preCandidate\n/);
  assert.match(script.split("\n> ").at(-1)!, /^repeat first .* AppendResponse .*\n.*\n {4}\d commits \d\n/);
  assert.not.match(script, /FAILED/);
});

test("a member comes back from its text as it was, and does the same under any dealing of the ids", async () => {
  const { members } = await explored({ terms: 1, entries: 1, crashes: 1, ticks: 1 }, situations), random = seeded(1);
  const pick = (size: number) => Math.floor(random() * size), count = members.facts.length, messages = members.messages.length;
  for (let number = 0; number < count; number++) {
    const member = members.thawed(number), text = freeze(member);
    assert.is(members.number(member), number);
    assert.is(freeze(members.thawed(number)), text);
  }
  let moved = 0;
  for (let round = 0; round < 3_000; round++) {
    const at = 1 + pick(renamings.length - 1), renaming = renamings[at]!, number = pick(count), message = pick(messages);
    const happening = random() < 0.3 ? happenings[pick(happenings.length)]! : undefined;
    if (!happening && members.messages[message]!.to !== members.facts[number]!.id) continue;
    const plain = happening ? members.happens(number, happening) : members.hears(number, message),
      other = members.renamed(number, renaming);
    const renamed = happening ? members.happens(other, happening) : members.hears(other, members.renamedMessage(message, renaming));
    assert.is(plain === undefined, renamed === undefined);
    if (!plain || !renamed) continue;
    moved++;
    const part = (hashes: Int32Array, dealing: number) => [...hashes.subarray(dealing * 2, dealing * 2 + 2)].join(" ");
    assert.is(part(members.memberHashes[plain.next]!, at), part(members.memberHashes[renamed.next]!, 0));
    const sent = (numbers: readonly number[], dealing: number) => numbers.map((each) => part(members.messageHashes[each]!, dealing)).sort();
    assert.equal(sent(plain.sent, at), sent(renamed.sent, 0));
  }
  assert.ok(moved > 500);
});

test("the frontier gives back what it was given, in that order", () => {
  const frontier = new Frontier(), random = seeded(2), given: number[][] = [], buffer = new Int32Array(64);
  for (let at = 0; at < 60_000; at++) {
    const numbers = Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() ** 8 * 2 ** 31));
    frontier.push(Int32Array.from(numbers), numbers.length);
    given.push(numbers);
  }
  assert.ok(frontier.bytes > 2 << 20);
  for (const numbers of given) assert.equal([...buffer.subarray(0, frontier.shift(buffer))], numbers);
  assert.is(frontier.shift(buffer), 0);
});

test("a table knows what was put into it, and nothing else", () => {
  const table = new PairTable(true), map = new Map<string, number>(), random = seeded(3);
  for (let at = 0; at < 200_000; at++) {
    const high = Math.floor(random() * 1000) - 500, low = 1 + Math.floor(random() * 300), key = `${high} ${low}`;
    assert.is(table.add(high, low, at), !map.has(key));
    if (!map.has(key)) map.set(key, at);
  }
  assert.is(table.size, map.size);
  for (const [key, value] of map) assert.is(table.get(...key.split(" ").map(Number) as [number, number]), value);
  assert.is(table.get(7, 301), undefined);
});
