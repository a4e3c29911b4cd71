// `npm run demo` as a newcomer runs it, up to Ctrl-C; and that nothing of it is left.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { machineState } from "../../shared/platform/machine_state.ts";
import { noPodman } from "../kit/podman.ts";
import { suite } from "../kit/suite.ts";
import { testDirectory } from "../kit/test_directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)), bin = `${root}node_modules/.bin`;
const command = process.env.SKERRY_TEST_RUNTIME === "deno" ? [`${bin}/deno`, "run", "-A", "--quiet"] : [`${bin}/node`, "--no-warnings"];
const skip = noPodman();
const test = suite("demo", { timeoutMs: 200_000, ...(skip && { skip }) });

test("the demo answers at its Service's address, says what to try, and takes everything away", async () => {
  const demo = spawn(command[0]!, [...command.slice(1), "examples/demo.ts"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const before = machineState();
  let output = "";
  const hear = (data: Uint8Array): void => void (output += data);
  demo.stdout.on("data", hear);
  demo.stderr.on("data", hear);
  const ended = new Promise<number | null>((resolve) => demo.once("exit", resolve));
  try {
    for (const end = performance.now() + 180_000; !output.includes("Ctrl-C ends the demo");) {
      assert.ok(performance.now() < end && demo.exitCode === null, output);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.match(output, /Hello from a rock in the sea from pod web-/);
    const kubeconfig = /export KUBECONFIG=(\S+)/.exec(output)![1]!;
    const { stdout } = spawnSync("kubectl", ["--kubeconfig", kubeconfig, "--cache-dir", testDirectory("kubectl"), "get", "nodes"], {
      encoding: "utf8",
    });
    assert.match(stdout, /demo\s+Ready/);
  } finally {
    process.kill(demo.pid!, "SIGINT"); // not demo.kill(): Deno would then report the signal instead of the exit code
  }
  assert.is(await ended, 0);
  assert.is(existsSync(`${root}.demo`), false);
  assert.is(readFileSync("/proc/mounts", "utf8").includes("/.demo/"), false);
  assert.is.not(spawnSync("ip", ["link", "show", "skdemo0"]).status, 0);
  assert.equal(machineState(), before, "the kernel's settings, and iptables");
  assert.is.not(spawnSync("nft", ["list", "table", "inet", "skerry-demo"]).status, 0);
});
