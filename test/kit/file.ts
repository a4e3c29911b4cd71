// Runs one test file in a process of its own. Exit status 0 only if it registered a suite and every test of it passed.
// Usage: file.ts FILE
import process from "node:process";
import { pathToFileURL } from "node:url";

const file = process.argv[2]!;
const globals = globalThis as { UVU_DEFER?: number; UVU_QUEUE?: unknown[][]; UVU_INDEX?: number };
globals.UVU_DEFER = 1; // before uvu is loaded: we say when it runs
globals.UVU_QUEUE = [[null]];
globals.UVU_INDEX = 0;
const uvu = await import("uvu") as unknown as { exec(): Promise<void> };
const { suitesRegistered } = await import("./suite.ts");

// Told to end, it leaves by the door: what the kit does on "exit" takes everything away.
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) process.on(signal, () => process.exit(128 + number));
process.on("unhandledRejection", (error) => {
  process.stdout.write(`unhandled rejection: ${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});
await import(pathToFileURL(file).href);
await new Promise((resolve) => setTimeout(resolve, 0)); // each suite's own run() is a microtask away
if (suitesRegistered() === 0) {
  process.stdout.write(`${file} registered no suite\n`);
  process.exit(1);
}
await uvu.exec();
process.exit(process.exitCode ?? 0); // do not wait for what a test left open
