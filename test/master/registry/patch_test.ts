import * as assert from "uvu/assert";
import fastJsonPatch from "fast-json-patch";
import { jsonPatch, mergePatch } from "../../../master/registry/patch.ts";
import type { Json } from "../../../shared/api/schema.ts";
import { ApiError } from "../../../shared/api/status.ts";
import { shownCharacters } from "../../../shared/limits.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const merge = suite("mergePatch()");

merge("does what RFC 7396 Appendix A says", () => {
  const table: [string, string, string][] = [
    [`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`],
    [`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`],
    [`{"a":"b"}`, `{"a":null}`, `{}`],
    [`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`],
    [`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`],
    [`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`],
    [`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`],
    [`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`],
    [`["a","b"]`, `["c","d"]`, `["c","d"]`],
    [`{"a":"b"}`, `["c"]`, `["c"]`],
    [`{"a":"foo"}`, `null`, `null`],
    [`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`],
    [`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`],
    [`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`],
  ];
  for (const [target, patch, result] of table) {
    assert.equal(mergePatch(JSON.parse(target), JSON.parse(patch)), JSON.parse(result), `${target} + ${patch}`);
  }
});
merge("takes __proto__ and constructor for keys like others", () => {
  const merged = mergePatch({ data: { a: "1" } }, JSON.parse(`{"data":{"__proto__":{"polluted":"yes"},"constructor":{"x":"y"}}}`));
  assert.is(JSON.stringify(merged), `{"data":{"a":"1","__proto__":{"polluted":"yes"},"constructor":{"x":"y"}}}`);
  assert.is(({} as Json).polluted, undefined);
});
merge("leaves the target as it was", () => {
  const target = { a: { b: 1 } };
  mergePatch(target, { a: { b: 2, c: 3 } });
  assert.equal(target, { a: { b: 1 } });
});

const patch = suite("jsonPatch()");
const failure = (document: Json, operations: unknown[]): ApiError => {
  try {
    jsonPatch(document, operations);
  } catch (error) {
    return error as ApiError;
  }
  throw new Error("the patch was applied");
};

patch("does what RFC 6902 Appendix A says", () => {
  const table: [Json, Json[], Json | "Invalid"][] = [
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    [{ foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    [{ baz: "qux" }, [{ op: "replace", path: "/baz", value: "boo" }], { baz: "boo" }],
    [{ foo: { bar: 1, w: 2 }, q: {} }, [{ op: "move", from: "/foo/w", path: "/q/t" }], { foo: { bar: 1 }, q: { t: 2 } }],
    [{ foo: ["all", "grass", "cows", "eat"] }, [{ op: "move", from: "/foo/1", path: "/foo/3" }], { foo: ["all", "cows", "eat", "grass"] }],
    [{ baz: "qux", foo: ["a", 2] }, [{ op: "test", path: "/baz", value: "qux" }, { op: "test", path: "/foo/1", value: 2 }], {
      baz: "qux",
      foo: ["a", 2],
    }],
    [{ baz: "qux" }, [{ op: "test", path: "/baz", value: "bar" }], "Invalid"],
    [{ foo: "bar" }, [{ op: "add", path: "/child", value: { grandchild: {} } }], { foo: "bar", child: { grandchild: {} } }],
    [{ foo: "bar" }, [{ op: "add", path: "/baz/bat", value: "qux" }], "Invalid"],
    [{ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    [{ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: "10" }], "Invalid"],
    [{ foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["abc"] }], { foo: ["bar", ["abc"]] }],
    [{ foo: ["bar"] }, [{ op: "add", path: "/foo/2", value: 1 }], "Invalid"],
    [{ foo: ["bar"] }, [{ op: "remove", path: "/foo/01" }], "Invalid"],
    [{ foo: 1 }, [{ op: "replace", path: "", value: { bar: 2 } }], { bar: 2 }],
    [{ foo: 1 }, [{ op: "remove", path: "" }], "Invalid"],
    [{ foo: { a: 1 } }, [{ op: "move", from: "/foo", path: "/foo/b" }], "Invalid"],
    [{ foo: 1 }, [{ op: "copy", from: "/bar", path: "/b" }], "Invalid"],
  ];
  for (const [document, operations, result] of table) {
    const title = JSON.stringify(operations);
    if (result === "Invalid") assert.is(failure(document, operations).reason, "Invalid", title);
    else assert.equal(jsonPatch(document, operations), result, title);
  }
});
patch("says why with a cause, and 422, as upstream", () => {
  const { reason, code, message, details } = failure({ a: 1 }, [{ op: "test", path: "/a", value: 2 }]);
  assert.equal([reason, code, message], ["Invalid", 422, "the server rejected our request due to an error in our request"]);
  assert.match(details!.causes![0]!.message!, "cannot be applied: testing value /a failed");
});
patch("refuses what is no patch", () => {
  for (
    const operation of [1, null, {}, { op: "toString", path: "/a" }, { op: "add", path: "/a" }, { op: "add", path: "a", value: 1 }, {
      op: "move",
      path: "/a",
    }]
  ) {
    assert.is(failure({ a: 1 }, [operation]).reason, "BadRequest", JSON.stringify(operation));
  }
});
patch("touches no prototype", () => {
  const at = (path: string) => [{ op: "add", path, value: "yes" }];
  assert.is(JSON.stringify(jsonPatch({ data: {} }, at("/data/__proto__"))), `{"data":{"__proto__":"yes"}}`);
  for (const path of ["/data/__proto__/polluted", "/constructor/polluted", "/data/constructor/prototype/polluted"]) {
    assert.is(failure({ data: {} }, at(path)).reason, "Invalid", path);
  }
  assert.is(({} as Json).polluted, undefined);
});
patch("is bounded in operations, in what it copies, and in depth", () => {
  const many = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: 1 }));
  assert.is(failure({ a: 1 }, many).reason, "RequestEntityTooLarge");
  const doubling = Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "/a", path: `/a/${i}` }));
  assert.match(failure({ a: { x: "y".repeat(100) } }, doubling).details!.causes![0]!.message!, "copies are larger");
  const deep = Array.from({ length: 120 }, (_, i) => ({ op: "add", path: "/a".repeat(i + 1), value: {} }));
  assert.match(failure({}, deep).details!.causes![0]!.message!, "levels deep");
});
patch("is bounded in what it compares and moves, and in its pointers", () => {
  const list = Array.from({ length: 2_000 }, () => 1),
    same = Array.from({ length: 1_000 }, () => ({ op: "test", path: "/a", value: list }));
  const turning = Array.from({ length: 1_000 }, () => ({ op: "move", from: "/a/0", path: "/a/-" }));
  for (const operations of [same, turning]) {
    assert.match(failure({ a: list }, operations).details!.causes![0]!.message!, "more than 1000000 keys and items");
    jsonPatch({ a: list }, operations.slice(0, 400));
  }
  const far = [{ op: "remove", path: "/~1".repeat(100_000) }];
  assert.ok(failure({ a: 1 }, far).details!.causes![0]!.message!.length < 2 * shownCharacters);
});
patch("agrees with fast-json-patch on patches that it makes itself", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed), before = tree(random, 4) as Json, after = tree(random, 4) as Json;
    const operations = fastJsonPatch.compare(before, after);
    assert.equal(jsonPatch(before, operations), after, `seed ${seed}`);
  }
});
function tree(random: () => number, depth: number): unknown {
  const size = Math.floor(random() * 4), kind = depth === 4 ? 0 : Math.floor(random() * 4);
  if (depth === 0 || kind > 1) return Math.floor(random() * 5);
  const items = Array.from({ length: size }, () => tree(random, depth - 1));
  return kind === 1 ? items : Object.fromEntries(items.map((item) => [`k/~${Math.floor(random() * 6)}`, item]));
}
