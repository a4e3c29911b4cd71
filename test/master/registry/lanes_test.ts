import * as assert from "uvu/assert";
import { writersPerObject } from "../../../shared/limits.ts";
import type { ApiError } from "../../../shared/api/status.ts";
import { Lanes } from "../../../master/registry/lanes.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("registry lanes");
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

test("run() lets one writer of a key at a time, in the order they came, and different keys at once", async () => {
  const lanes = new Lanes(), told: string[] = [];
  const write = (key: string, name: string) =>
    lanes.run(key, async () => {
      told.push(`${name} in`);
      await turn();
      told.push(`${name} out`);
    });
  await Promise.all([write("a", "1"), write("a", "2"), write("b", "3")]);
  assert.equal(told.filter((line) => !line.startsWith("3")), ["1 in", "1 out", "2 in", "2 out"]);
  assert.ok(told.indexOf("3 in") < told.indexOf("1 out"));
});

test("run() goes on after a writer that fails, whose failure only he gets", async () => {
  const lanes = new Lanes();
  const failing = lanes.run("a", () => Promise.reject(new Error("mine")));
  const next = lanes.run("a", () => Promise.resolve("fine"));
  assert.is((await rejects(failing)).message, "mine");
  assert.is(await next, "fine");
});

test("run() refuses writers beyond the bound, and takes them again later", async () => {
  const lanes = new Lanes();
  const waiting = Array.from({ length: writersPerObject }, () => lanes.run("a", turn));
  assert.is((await rejects(lanes.run("a", turn)) as ApiError).code, 429);
  await Promise.all(waiting);
  await lanes.run("a", turn);
});
