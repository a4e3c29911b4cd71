import * as assert from "uvu/assert";
import { parseJson } from "../../../shared/api/json.ts";
import { documentValues, reportedProblems, shownCharacters, yamlLines, yamlTokens } from "../../../shared/limits.ts";
import { parseYaml } from "../../../shared/api/yaml.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const json = suite("parseJson()");

json("finds every key that one object has twice, and only those", () => {
  const table: [string, string[]][] = [
    [`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`, []],
    [`{"a":1,"a":2}`, ["a"]],
    [`{"spec":{"replicas":1,"containers":[{},{"name":"x","name":"y"}],"replicas":2}}`, ["spec.containers[1].name", "spec.replicas"]],
    [`{"a":{"b":1},"a":{"b":2}}`, ["a"]],
    [`{"a":"x\\":","b":"{\\"a\\":1,\\"a\\":2}"}`, []],
    [`{"a" : "\\\\" , "b":1,\n"b" :2}`, ["b"]],
    [`{"__proto__":1,"__proto__":2,"constructor":3}`, ["__proto__"]],
    [`{"a":1,"\\u0061":2}`, ["a"]],
    [`[{"a":1,"a":1}]`, ["[0].a"]],
  ];
  for (const [text, duplicates] of table) assert.equal(parseJson(text).duplicates, duplicates, text);
});
json("keeps the last value", () => assert.equal(parseJson(`{"a":1,"a":2}`).value, { a: 2 }));
json("takes half of a surrogate pair for U+FFFD, as Go does: it could not be stored", () => {
  const text = String.raw`{"\ud800":["a\udc00b","\ud83d\ude00","\\ud800"]}`;
  assert.equal(parseJson(text).value, { "\ufffd": ["a\ufffdb", "😀", "\\ud800"] });
  assert.equal(parseYaml(text).value, parseJson(text).value);
});
json("reports a duplicate that was put into any tree, and nothing in the tree without it", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed), text = randomText(random, 3);
    assert.equal(parseJson(text).duplicates, [], text);
    const twice = `{"x":${text},"y":1,"x":${text}}`;
    assert.equal(parseJson(twice).duplicates, ["x"], twice);
  }
});
function randomText(random: () => number, depth: number): string {
  const under = (end: number) => Math.floor(random() * end), space = [" ", "", "\n", "\t"][under(4)]!;
  if (depth === 0 || random() < 0.2) return [`"a:b"`, `"\\""`, `"\\\\"`, "1.5e3", "null", `"{\\"a\\":1}"`, `"ü"`][under(7)]!;
  const items = Array.from({ length: under(4) }, () => randomText(random, depth - 1));
  if (random() < 0.4) return `[${space}${items.join(`${space},`)}]`;
  return `{${items.map((item, i) => `"k${i}${["", "\\\\", '\\"'][under(3)]}"${space}:${item}`).join(`,${space}`)}${space}}`;
}
json("bounds the depth, also of what a later key has overwritten", () => {
  const deep = `${"[".repeat(101)}${"]".repeat(101)}`;
  for (const text of [deep, `{"a":${deep},"a":1}`, `${`{"a":`.repeat(200)}1${"}".repeat(200)}`, "[".repeat(1e6) + "]".repeat(1e6)]) {
    assert.throws(() => parseJson(text), (error: Error) => error instanceof SyntaxError && /100 levels deep/.test(error.message));
  }
  assert.ok(parseJson(`${"[".repeat(100)}${"]".repeat(100)}`));
});
json("bounds what is in it before it is parsed", () => {
  const long = (values: number) => `[${Array(values).fill("{}").join()}]`, message = /more than 120000 keys and items/;
  assert.throws(() => parseJson(long(documentValues / 2 + 1)), message);
  assert.throws(() => parseJson(`{${Array(documentValues + 1).fill('"a":1').join()}}`), message);
  assert.ok(parseJson(`["${",[{".repeat(documentValues)}"]`));
});
json("reports a bounded part of what stands twice, in bounded words", () => {
  const name = "a".repeat(10_000), many = Array.from({ length: 1_000 }, (_, i) => `"${i}":1,"${i}":2`).join();
  const { duplicates } = parseJson(`${`{"${name}":`.repeat(90)}{${many}}${"}".repeat(90)}`);
  assert.is(duplicates.length, 1); // cut, they are all the same
  assert.ok(duplicates.every((path) => path.length <= shownCharacters));
  assert.is(parseJson(`{${many}}`).duplicates.length, reportedProblems);
});

const yaml = suite("parseYaml()");

yaml("bounds its lines, tokens and aliases: to read each alias, the parser would go through all before it", () => {
  const lines = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i)).join("");
  assert.throws(() => parseYaml(`a: |\n${lines(yamlLines, () => "  b\n")}`), /more than 50000 lines/);
  assert.throws(() => parseYaml(`a: [${"b,".repeat(yamlTokens / 2)}]`), /more than 50000 tokens/);
  assert.throws(() => parseYaml(lines(101, (i) => `- &a${i} b\n- *a${i}\n`)), /more than 100 aliases/);
  assert.is((parseYaml(lines(100, (i) => `- &a${i} b\n- *a${i}\n`)).value as unknown[]).length, 200);
  assert.is((parseYaml(lines(200, (i) => `a${i}: |-\n  *b\n`)).value as { a199: string }).a199, "*b");
});
yaml("reports a bounded part of what stands twice", () => {
  assert.is(parseYaml("- {a: 1, a: 2}\n".repeat(200)).duplicates.length, reportedProblems);
});

yaml("reads scalars as Go does", () => {
  const text = "mode: 0644\nyes: yes\nday: 2001-02-03\nport: 80:80\nhex: 0x1f\nnone: ~\nbytes: !!binary aGk=\n'5': '5'\n";
  assert.equal(parseYaml(text).value, {
    mode: 420,
    true: true,
    day: "2001-02-03",
    port: "80:80",
    hex: 31,
    none: null,
    bytes: "aGk=",
    5: "5",
  });
});
yaml("reads JSON, anchors and merges, and of several documents the first", () => {
  assert.equal(parseYaml(`{"a":{"b":[1,{"c":null}]}}`).value, { a: { b: [1, { c: null }] } });
  assert.equal(parseYaml("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n").value, { a: { p: 1, q: 2 }, b: { p: 1, q: 3 } });
  assert.equal(parseYaml("---\na: 1\n---\nb: 2\n").value, { a: 1 });
});
yaml("finds duplicate keys, by the same paths", () => {
  assert.equal(parseYaml("spec:\n  replicas: 1\n  list:\n  - {a: 1, a: 2}\n  replicas: 2\n").duplicates, [
    "spec.list[0].a",
    "spec.replicas",
  ]);
});
yaml("takes __proto__ for a key like others", () => {
  const { value } = parseYaml("__proto__: {polluted: yes}\nconstructor: 1\n<<: {__proto__: {x: 1}}\n");
  assert.ok(Object.hasOwn(value as object, "__proto__"));
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
});
yaml("refuses what is broken, what is too deep, and what expands to too much, at once", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${
    [..."bcdefghi"].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefghi"[i]}`)}]`).join("\n")
  }`;
  const table: [string, RegExp][] = [
    ["a: [1", /must be sufficiently indented and end with/],
    ["a: *b", /Unresolved alias/],
    ["a: &a {b: *a}", /levels deep/],
    [bomb, /Excessive alias count/],
    ["[".repeat(300_000), /levels deep/],
    ["{a: ".repeat(300_000), /levels deep/],
    ["- ".repeat(300_000), /levels deep/],
    ["? ".repeat(300_000), /levels deep/],
  ];
  for (const [text, why] of table) {
    assert.throws(() => parseYaml(text), (error: Error) => error instanceof SyntaxError && why.test(error.message), text.slice(0, 20));
  }
});
