// The shape of the house: which way imports point, and that nothing goes in a circle. It has no opinion on lengths.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { suite } from "./kit/suite.ts";
import { bugs } from "./master/store/raft/bugs.ts";
import { rules } from "./master/store/raft/rules.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Rooms of one floor, lowest first. A room may import rooms of lower floors; rooms of one floor do not know each other. */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  shared: [["util", "names.ts", "limits.ts"], ["platform"], ["api"], ["wire"]],
  master: [
    ["store", "pki"],
    ["registry"],
    ["rbac"],
    ["identity"],
    ["http", "scheduler", "controllers", "fleet", "broker", "cloud", "dashboard"],
    ["leader.ts", "config.ts"],
    ["cluster.ts", "etcd.ts", "metrics.ts"],
    ["commands"],
    ["serve.ts"],
    ["main.ts"],
  ],
  agent: [
    ["runtime"],
    ["images", "volumes", "probes"],
    ["pods", "link", "proxy", "dns", "network", "node", "device"],
    ["config.ts", "verbs"],
    ["agent.ts"],
    ["emulator", "run_node.ts"],
    ["main.ts"],
  ],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly type: boolean;
}

const files = Object.keys(floors).flatMap((top) =>
  readdirSync(`${root}${top}`, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts")).map((path) => `${top}/${path}`)
);
const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(`${root}${from}`, "utf8");
  const found = [...text.matchAll(/^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(\.[^"]+)"/gms), ...text.matchAll(/\bimport\("(\.[^"]+)"\)/g)];
  return found.map(([statement, path]) => ({
    from,
    to: normalize(`${dirname(from)}/${path}`),
    type: /^(import|export) type\b/.test(statement),
  }));
});
const place = (path: string): { top: string; room: string } => {
  const [top, room] = path.split("/") as [string, string];
  return { top, room };
};
const floorOf = (top: string, room: string): number => floors[top]!.findIndex((rooms) => rooms.includes(room));

const test = suite("the house", { timeoutMs: 20_000 });

test("every room has its floor", () => {
  const homeless = [...new Set(files.map((path) => `${place(path).top}/${place(path).room}`))].filter((room) =>
    floorOf(...room.split("/") as [string, string]) < 0
  );
  assert.equal(homeless, []);
});

test("imports point down: to lower floors, within a room, or to shared", () => {
  const wrong = imports.filter(({ from, to }) => {
    const a = place(from), b = place(to);
    if (b.top === "shared" && a.top !== "shared") return false;
    if (a.top !== b.top) return true;
    return a.room !== b.room && floorOf(b.top, b.room) >= floorOf(a.top, a.room);
  });
  assert.equal(wrong.map(({ from, to }) => `${from} → ${to}`), []);
});

test("no file imports itself through others", () => {
  const next = new Map<string, string[]>();
  for (const { from, to, type } of imports) if (!type) next.set(from, [...next.get(from) ?? [], to]);
  const done = new Set<string>(), path: string[] = [], cycles: string[] = [];
  const visit = (file: string): void => {
    if (path.includes(file)) return void cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (done.has(file)) return;
    done.add(file);
    path.push(file);
    for (const to of next.get(file) ?? []) visit(to);
    path.pop();
  };
  for (const file of files) visit(file);
  assert.equal(cycles, []);
});

test("the runtimes' own names appear in shared/platform alone", () => {
  assert.equal(files.filter((path) => !path.startsWith("shared/platform/") && /\bDeno\./.test(readFileSync(`${root}${path}`, "utf8"))), []);
});

test("time and chance come in through clock.ts and the composition roots", () => {
  const doors = ["shared/util/clock.ts", "master/main.ts", "agent/main.ts"];
  const wild = files.filter((path) => !doors.includes(path)).filter((path) => {
    const code = readFileSync(`${root}${path}`, "utf8").replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "");
    return /\bDate\.now\b|\bsetTimeout\(|\bsetInterval\(|\bMath\.random\b/.test(code);
  });
  assert.equal(wild, []);
});

test("each rule of Raft has a test that carries its number", () => {
  const directory = `${root}test/master/store/raft`, names = readdirSync(directory).filter((name) => name.endsWith("_test.ts"));
  const titles = names.flatMap((name) => readFileSync(`${directory}/${name}`, "utf8").match(/^test\("[^"]*"/gm) ?? []);
  const shown = new Set(titles.flatMap((title) => [...title.matchAll(/\bR(\d+)\b/g)].map(([, number]) => Number(number))));
  assert.equal(Object.keys(rules).map(Number).filter((number) => !shown.has(number)), [], "rules without a test");
  assert.equal([...shown].filter((number) => !(number in rules)), [], "numbers without a rule");
});

test("each bug that Raft's state machine could have has a script that carries its number", () => {
  const directory = `${root}test/master/store/raft/scenarios`;
  const titles = readdirSync(directory).map((name) => readFileSync(`${directory}/${name}`, "utf8").split("\n")[0]!);
  const numbers = (letter: string) =>
    titles.flatMap((title) => [...title.matchAll(new RegExp(`\\b${letter}(\\d+)\\b`, "g"))].map(([, at]) => Number(at)));
  const shown = new Set(numbers("B"));
  assert.equal(Object.keys(bugs).map(Number).filter((number) => !shown.has(number)), [], "bugs without a script");
  assert.equal([...shown].filter((number) => !(number in bugs)), [], "numbers without a bug");
  assert.equal(numbers("R").filter((number) => !(number in rules)), [], "numbers without a rule");
});
