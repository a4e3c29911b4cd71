// Debian's python3-kubernetes, which knows nothing of us, against a master with a pretended device.
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { isThere, pythonClient } from "../../shared/platform/debian.ts";
import { run, withCluster } from "../kit/cluster_process.ts";
import { suite } from "../kit/suite.ts";

/** Debian's own: another Python on the PATH does not see Debian's packages. */
const python = "/usr/bin/python3";
const script = fileURLToPath(new URL("python_client.py", import.meta.url));
const test = suite("python3-kubernetes", {
  timeoutMs: 180_000,
  skip: isThere(pythonClient) ? undefined : "no python3-kubernetes",
});

test("creates, patches, watches, pages, scales, reads logs, runs commands, and is told what is wrong", () =>
  withCluster(async ({ master }) => {
    const { code, out, err } = await run(python, [script, master.kubeconfig]);
    const steps = out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as [string, unknown]);
    assert.equal(code, 0, `after ${steps.at(-1)?.[0]}: ${err}`);
    assert.equal(steps, [
      ["version", "1"],
      ["namespaces", true],
      ["create", { a: "1" }],
      ["merge patch", { a: "1", b: "2" }],
      ["json patch", { b: "2" }],
      ["conflict", [409, "Conflict"]],
      ["exists", [409, "AlreadyExists", 'configmaps "py" already exists']],
      ["not found", [404, "NotFound", 'configmaps "nobody" not found']],
      ["invalid", [422, "Invalid"]],
      ["selected", ["py"]],
      ["watched", [["MODIFIED", "py"], ["DELETED", "py"]]],
      ["pages", [4, true]],
      ["has a status from the beginning", true],
      ["ready", 2],
      ["scaled", 1],
      ["log", true],
      ["exec", ["out\n", "err\n", 7]],
      ["dynamic create", "python"],
      ["dynamic", "py"],
      ["deleted", "py"],
    ]);
  }, { agent: { runtime: "emulated" } }));
