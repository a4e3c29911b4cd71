// A process that was killed leaves containers, links, mounts, rules and settings; the next run of the tests, and the next demo, take them away.
import { spawn } from "node:child_process";
import process from "node:process";
import * as assert from "uvu/assert";
import { machineState, restoreMachine } from "../../shared/platform/machine_state.ts";
import { runToEnd } from "../../shared/platform/process.ts";
import { command } from "../kit/master_process.ts";
import { noPodman } from "../kit/podman.ts";
import { suite } from "../kit/suite.ts";
import { removeLeftovers } from "../kit/test_directory.ts";
import { newTraces, traces } from "../kit/traces.ts";

const test = suite("leftovers", { timeoutMs: 60_000, skip: noPodman() });

test("what a killed test had on the machine goes without it", async () => {
  const before = traces(), [program, args] = command("test/kit/doomed.ts");
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`It ended with ${code}`)));
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid!, "SIGKILL");
  await ended;
  const left = [...traces()].filter((trace) => !before.has(trace)).join("\n");
  for (
    const kind of [/^process \d+ \(conmon\)$/m, /^link skt/m, /^mount .*\/merged$/m, /\/run\/runc\//, /\/run\/netns\//, /skerry-podman-/]
  ) {
    assert.match(left, kind);
  }
  assert.match(runToEnd("iptables", "-w", "-t", "nat", "-S").stdout, /NETAVARK-[0-9A-F]{13}/);

  removeLeftovers();
  assert.equal(await newTraces(before), []);
  assert.not.match(runToEnd("iptables", "-w", "-t", "nat", "-S").stdout, /NETAVARK-[0-9A-F]{13}/);
});

test("settings of the kernel and chains of netavark are put back, but not under containers of somebody else", () => {
  const before = machineState(), chain = "NETAVARK-0123456789ABC";
  const swapped = before.settings["net/ipv4/ip_forward"] === "1" ? "0" : "1";
  const fresh = { ...before, netavark: [], settings: { "net/ipv4/ip_forward": swapped } };
  runToEnd("iptables", "-w", "-t", "nat", "-N", chain);
  try {
    assert.is(restoreMachine(fresh), false);
    assert.equal(machineState().settings, before.settings);
  } finally {
    runToEnd("iptables", "-w", "-t", "nat", "-X", chain);
  }
  try {
    assert.is(restoreMachine(fresh), true);
    assert.is(machineState().settings["net/ipv4/ip_forward"], swapped);
    assert.equal(machineState().netavark, []);
  } finally {
    restoreMachine(before);
  }
  assert.equal(machineState().settings, before.settings);
});
