// The README names what is there: files, folders, commands, flags; and as missing only what is missing.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { emulateOptions, options as agentOptions } from "../agent/config.ts";
import { options as memberOptions } from "../master/commands/member.ts";
import { options as tokenOptions } from "../master/commands/token.ts";
import { options as masterOptions } from "../master/config.ts";
import { kinds } from "../shared/api/kinds/mod.ts";
import { describe } from "../shared/util/config.ts";
import { suite } from "./kit/suite.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const readme = read("README.md");
const section = (title: string): string => {
  const [, text] = readme.split(`\n## ${title}\n`);
  assert.ok(text, `the README has a section "${title}"`);
  return text!.split("\n## ")[0]!;
};

/** The paths of the tree: one or more names a line, two spaces apart; two more of indentation for what lies within the first of them. */
function tree(): string[] {
  const paths: string[] = [], within: string[] = [];
  for (const line of section("The tree").split("```")[1]!.split("\n")) {
    const [, indent, names] = /^( *)([\w.]+(?:\/|\.ts)(?: {2}[\w.]+(?:\/|\.ts))*)(?: |$)/.exec(line) ?? [];
    if (names === undefined) continue;
    within.length = indent!.length / 2;
    const here = names.split("  ").map((name) => within.join("") + name);
    paths.push(...here);
    within.push(names.split("  ")[0]!);
  }
  return paths;
}
const sources = ["agent", "examples", "master", "shared", "test"].flatMap((top) =>
  readdirSync(`${root}${top}`, { recursive: true, encoding: "utf8" }).map((path) => `${top}/${path}`)
);

const test = suite("README");

test("the tree shows what exists", () => {
  assert.ok(tree().length > 40);
  assert.equal(tree().filter((path) => !existsSync(`${root}${path}`)), []);
});

test("the tree shows every folder of the programs, and the files beside them", () => {
  const shown = new Set(tree());
  const inside = sources.flatMap((path) => /^((?:agent|master|shared)\/[^/]+(?:\/|\.ts$))(?:.*\.ts)?$/.exec(path)?.[1] ?? []);
  assert.ok(inside.length > 300);
  assert.equal([...new Set(inside)].filter((path) => !shown.has(path)), []);
});

test("every file that is named exists", () => {
  const named = [...readme.matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts|(?:[\w-]+\/)+)`/g)].map(([, name]) => name!.replace(/\/$/, ""));
  assert.ok(named.length > 80);
  assert.equal(named.filter((name) => !sources.some((path) => path === name || path.endsWith(`/${name}`))), []);
});

test("every command exists, with its flags", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const { tasks } = JSON.parse(read("deno.json")) as { tasks: Record<string, string> };
  const npm = [...readme.matchAll(/\bnpm (?:run )?(?!ci\b|and\b)([a-z]+)/g)].map(([, name]) => name!);
  assert.equal(npm.filter((name) => !Object.hasOwn(scripts, name)), []);
  assert.equal([...readme.matchAll(/\bdeno task ([a-z]+)/g)].map(([, name]) => name!).filter((name) => !Object.hasOwn(tasks, name)), []);
  const known = [masterOptions, tokenOptions, memberOptions, agentOptions, emulateOptions].map(describe).join("\n");
  const used = readme.split("\n").filter((line) => /^npm run (master|agent)/.test(line)).flatMap((line) =>
    line.match(/(?<= )--[a-z-]+/g) ?? []
  );
  assert.ok(used.length > 5);
  assert.equal(used.filter((flag) => !new RegExp(`^  ${flag}\\b`, "m").test(known)), []);
});

test("no kind that we have is called missing", () => {
  const missing = section("What is not there yet").split("\n- ").find((item) => item.startsWith("Kinds:"))!;
  assert.match(missing, "CSIDriver");
  assert.equal(kinds.map(({ kind }) => kind).filter((kind) => new RegExp(`\\b${kind}\\b`).test(missing)), []);
});
