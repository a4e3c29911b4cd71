// A slice of test/soak/peer_tls.ts: this runtime calls both and is called by both.
import process from "node:process";
import * as assert from "uvu/assert";
import { suite } from "../../../kit/suite.ts";
import { isBad, type Result, type Runtime, soak } from "../../../soak/peer_tls.ts";

const test = suite("the masters' TLS connections", { timeoutMs: 60_000 });
const own: Runtime = process.env.SKERRY_TEST_RUNTIME === "deno" ? "deno" : "node", other: Runtime = own === "deno" ? "node" : "deno";

test("never stand still, whatever the size, the window and the runtime at the other end", async () => {
  const shared = { sizes: [1, 1_100, 49_152, 49_153, 70_400, 98_304, 1_048_576], directions: ["up", "down"] as const, nagle: false };
  const results: Result[] = [];
  // Rounds: enough for a median at window 1, where a delay shows; and for some hundred megabytes at the other.
  for (const [clients, servers] of [[[own], [own, other]], [[other], [own]]] as const) {
    for (const [window, rounds] of [[1, 60], [16, 100]] as const) {
      for await (const result of soak({ ...shared, windows: [window], rounds, clients, servers })) results.push(result);
    }
  }
  assert.is(results.length, 3 * 2 * 7 * 2);
  const words = ({ client, server, direction, sizeBytes, window, stalls, medianMs }: Result) =>
    `${client} calls ${server}, ${direction}, ${sizeBytes} B × ${window}: ${stalls} stalls, median ${medianMs} ms`;
  assert.equal(results.filter(isBad).map(words), []);
  for (const { rounds, window } of results) assert.is(rounds, window === 1 ? 60 : 100);
  const slowest = results.filter(({ sizeBytes }) => sizeBytes > 1e6).sort((a, b) => a.megabytesPerSecond - b.megabytesPerSecond)[0]!;
  process.stdout.write(`measured: 1 MiB requests and answers at ${slowest.megabytesPerSecond.toFixed(0)} MB/s or more\n`);
});
