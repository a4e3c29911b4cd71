import * as assert from "uvu/assert";
import * as v from "valibot";
import { ConfigError, describe, option, readConfig, shown } from "../../../shared/util/config.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("config");
const options = {
  dataDir: option(v.string(), "Where everything is kept", { default: "/var/lib" }),
  listen: option(v.array(v.string()), "Address and port", { multiple: true, default: [":6443"] }),
  count: option(v.pipe(v.string(), v.regex(/^\d+$/, "expected a number"), v.transform(Number)), "How many", { default: 1 }),
  token: option(v.string(), "Join token", { secret: true, default: "" }),
  verbose: option(v.boolean(), "Say more", { flag: true, default: false }),
};
const read = (argv: string[], env = {}, text?: string) =>
  readConfig(options, { argv, env, ...(text !== undefined && { file: { path: "c.json", text } }) }).config;

test("readConfig() prefers flags to the environment, and that to the file", () => {
  const file = '{"data-dir": "/file", "count": "7"}';
  assert.is(read(["--data-dir", "/flag"], { SKERRY_DATA_DIR: "/env" }, file).dataDir, "/flag");
  assert.is(read([], { SKERRY_DATA_DIR: "/env" }, file).dataDir, "/env");
  assert.is(read([], {}, file).count, 7);
  assert.equal(read([], { SKERRY_LISTEN: ":1, :2" }).listen, [":1", ":2"]);
  assert.equal(read(["--listen", ":1", "--listen", ":2", "--verbose"]), { ...read([]), listen: [":1", ":2"], verbose: true });
});

test("readConfig() says what is wrong and where it stood", () => {
  const message = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return "no error";
  };
  assert.match(message(() => read(["--count", "many"])), 'Cannot use --count "many": expected a number');
  assert.match(message(() => read(["--bogus", "1"])), "bogus");
  assert.is(message(() => read(["--verbose", "yes"])), 'Cannot use "yes": it belongs to no option. --help lists the options');
  assert.match(message(() => read([], {}, '{"bogus": 1}')), 'c.json: "bogus" is not an option');
  assert.match(message(() => read([], {}, "{")), "c.json: it is not JSON");
  assert.match(message(() => readConfig({ name: option(v.string(), "Its name") }, { argv: [], env: {} })), "Missing --name: Its name");
});

test("secrets are never shown", () => {
  const config = read(["--token", "hunter2"]);
  assert.is(JSON.stringify(shown(options, config)).includes("hunter2"), false);
});

test("describe() shows defaults as one would type them", () => {
  const ttl = option(v.string(), "How long", { default: "86400000", shown: "24h" });
  assert.is(
    describe({ ...options, ttl }).replaceAll(/ {2,}/g, " "),
    [
      " --data-dir VALUE Where everything is kept (/var/lib)",
      " --listen VALUE Address and port; may be repeated (:6443)",
      " --count VALUE How many (1)",
      " --token VALUE Join token",
      " --verbose Say more",
      " --ttl VALUE How long (24h)",
    ].join("\n"),
  );
});
