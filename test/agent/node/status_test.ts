import * as assert from "uvu/assert";
import { noPressure, pressure } from "../../../agent/node/pressure.ts";
import { type MachineFacts, type MachineLoad, nodeStatus } from "../../../agent/node/status.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("nodeStatus");
const now = Date.parse("2026-01-01T12:00:00.700Z");
const facts: MachineFacts = {
  cpus: 4,
  memoryBytes: 1024 ** 3,
  architecture: "arm64",
  hostname: "rock-1",
  addresses: ["192.0.2.7"],
  machineId: "m",
  systemUuid: "s",
  bootId: "b",
  kernelVersion: "6.1",
  osImage: "Debian",
  engineVersion: "podman://4.3.1",
  agentVersion: "0.1.0",
};
const load = (more: Partial<MachineLoad> = {}): MachineLoad => ({
  ...noPressure,
  diskBytes: 8 * 1024 ** 3,
  engineError: undefined,
  images: [],
  ...more,
});
const conditionsOf = (status: ReturnType<typeof nodeStatus>) =>
  Object.fromEntries(status.conditions!.map(({ type, status }) => [type, status]));

test("capacity is all there is, allocatable less, and all ten words of nodeInfo are there", () => {
  const { capacity, allocatable, addresses, nodeInfo } = nodeStatus(facts, load(), [], now);
  assert.equal(capacity, { cpu: "4", memory: "1048576Ki", "ephemeral-storage": "8388608Ki", pods: "110" });
  assert.is(allocatable!.cpu, "4");
  assert.ok(Number.parseInt(allocatable!.memory!) < Number.parseInt(capacity!.memory!));
  assert.equal(addresses, [{ type: "InternalIP", address: "192.0.2.7" }, { type: "Hostname", address: "rock-1" }]);
  assert.is(Object.keys(nodeInfo!).length, 10);
});

test("Ready is not the node's to say; a condition keeps its times until it changes", () => {
  const first = nodeStatus(facts, load(), [], now);
  assert.equal(conditionsOf(first), { MemoryPressure: "False", DiskPressure: "False", PIDPressure: "False", RuntimeReady: "True" });
  const later = nodeStatus(facts, load(), first.conditions!, now + 60_000);
  assert.equal(later, first, "nothing new is nothing to say");
  const short = nodeStatus(facts, load({ diskPressure: true }), first.conditions!, now + 60_000);
  const disk = short.conditions!.find(({ type }) => type === "DiskPressure")!;
  assert.equal([disk.status, disk.lastTransitionTime], ["True", "2026-01-01T12:01:00Z"]);
});

test("images are bounded, the largest first, in an order that does not depend on the engine's", () => {
  const images = Array.from({ length: 60 }, (_, i) => ({ names: [`b${i}`, `a${i}`], sizeBytes: i % 7 }));
  const { images: shown } = nodeStatus(facts, load({ images }), [], now);
  assert.is(shown!.length, 20);
  assert.is(shown![0]!.sizeBytes, 6);
  assert.equal(shown![0]!.names, ["a13", "b13"]);
  assert.equal(nodeStatus(facts, load({ images: images.toReversed() }), [], now).images, shown);
});

test("pressure() begins when little is left and ends only when clearly more is", () => {
  const amounts = (diskFreeBytes: number) => ({
    memoryBytes: 100,
    memoryAvailableBytes: 50,
    diskBytes: 100,
    diskFreeBytes,
    pids: 1,
    pidsMost: 100,
  });
  let state = noPressure;
  const disk = (free: number): boolean => (state = pressure(amounts(free), state)).diskPressure;
  assert.equal([11, 9, 11, 14, 16, 11].map(disk), [false, true, true, true, false, false]);
});
