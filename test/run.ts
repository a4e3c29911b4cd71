// `npm test`: every *_test.ts under test/, each in a process of its own, on Node and on Deno. With arguments: only the files whose path contains one of them.
// --runtime node|deno limits the runtimes. The last line is the verdict. The machine is left as it was found, also by Ctrl-C; a test that leaves something fails.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { setPriority, tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { noteMachine, restoreFrom } from "../shared/platform/machine_state.ts";
import { isRunning } from "../shared/platform/podman_leftovers.ts";
import { install } from "./kit/install.ts";
import { removeLeftovers } from "./kit/test_directory.ts";
import { newTraces, traces } from "./kit/traces.ts";
import { allowedSkips } from "./skips.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runtime: { type: "string" }, "no-install": { type: "boolean" } },
});
/** Milliseconds one file may take. */
const fileTimeoutMs = 300_000;
/** Milliseconds to clean up in, once it is told to end. */
const partingMs = 30_000;

interface Outcome {
  passed: number;
  failed: number;
  skipped: string[];
}

const files = readdirSync(`${root}/test`, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith("_test.ts")).sort()
  .filter((path) => positionals.length === 0 || positionals.some((part) => path.includes(part)));
const runtimes = ["node", "deno"].filter((name) => values.runtime === undefined || values.runtime === name);
if (files.length === 0 || runtimes.length === 0) {
  process.stdout.write(`No test file matches ${positionals.join(", ")}\n0 passed, 1 failed, 0 skipped\n`);
  process.exit(1);
}
if (!values["no-install"]) install(files);

const isOurMachine = process.platform === "linux" && process.getuid?.() === 0;
const machineBefore = `${tmpdir()}/skerry-machine-${process.pid}.json`;
if (isOurMachine) {
  removeLeftovers();
  for (const name of readdirSync(tmpdir())) { // of a run that was killed
    const pid = /^skerry-machine-(\d+)\.json$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) restoreFrom(`${tmpdir()}/${name}`);
  }
  noteMachine(machineBefore);
}
const running = new Set<ChildProcess>();
let told: number | undefined;
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
  process.on(signal, () => {
    if (told !== undefined) return;
    told = 128 + number;
    process.stdout.write("Stopping, and taking away what the tests have made\n");
    for (const child of running) end(child);
  });
}

/** Files that use the machine itself (Podman, nftables) run one at a time; beside them, in this order, those that work, and those that mostly wait for programs of their own. */
const usesMachine = (file: string): boolean => /^(system|bench)\//.test(file);
const waits = (file: string): boolean => /^processes\/|etcd/.test(file);
const busyLanes = 2, waitingLanes = 3;
/** Begun first, so that nobody waits for them at the end. */
const isLong = (file: string): boolean => /^sim\/|failover/.test(file);
/** What looks at all that is on the machine, or at how long something takes, has it to itself. */
const wantsQuiet = (file: string): boolean => /^system\/(leftovers|bad_requests)/.test(file);
const jobs = files.flatMap((file) => runtimes.map((runtime) => ({ file, runtime })));
const total: Outcome = { passed: 0, failed: 0, skipped: [] };
const before = traces();
/** What is there that was not before, and after which file that was first so. */
const firstSeen = new Map<string, string>();
const lane = async (queue: typeof jobs, niceness = 0): Promise<void> => {
  for (let job = queue.shift(); job && told === undefined; job = queue.shift()) {
    const outcome = await run(job.file, job.runtime, niceness);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped.push(...outcome.skipped);
    if (!usesMachine(job.file)) continue;
    for (const trace of traces()) if (!before.has(trace) && !firstSeen.has(trace)) firstSeen.set(trace, `${job.runtime} ${job.file}`);
  }
};
const together = async (lanes: number, belongs: (file: string) => boolean): Promise<void> => {
  const ours = jobs.filter(({ file }) => belongs(file)),
    queue = [...ours.filter(({ file }) => isLong(file)), ...ours.filter(({ file }) => !isLong(file))];
  // Those of the machine have the first word: some of them are asked how long something takes.
  await Promise.all(Array.from({ length: lanes }, () => lane(queue, 10)));
};
await Promise.all([
  lane(jobs.filter(({ file }) => usesMachine(file) && !wantsQuiet(file))),
  together(busyLanes, (file) => !usesMachine(file) && !waits(file)).then(() =>
    together(waitingLanes, (file) => !usesMachine(file) && waits(file))
  ),
]);
await mustLeaveNothing();
await lane(jobs.filter(({ file }) => wantsQuiet(file)));
await mustLeaveNothing();
if (isOurMachine && !restoreFrom(machineBefore)) {
  process.stdout.write("The kernel's settings stay: containers of somebody else run by now\n");
}
if (told !== undefined) process.exit(told);
for (const skip of new Set(total.skipped)) process.stdout.write(`skipped: ${skip}\n`);
// On the machine the tests are made for, only what is listed may be skipped.
const surprising = isOurMachine
  ? [...new Set(total.skipped)].filter((skip) =>
    !allowedSkips.some((allowed) => skip.includes(allowed.test) && skip.includes(allowed.reason))
  )
  : [];
for (const skip of surprising) process.stdout.write(`not allowed to be skipped here: ${skip}\n`);
const failed = total.failed + surprising.length;
process.stdout.write(`${total.passed} passed, ${failed} failed, ${total.skipped.length} skipped\n`);
process.exit(failed === 0 && total.passed > 0 ? 0 : 1);

function run(file: string, runtime: string, niceness: number): Promise<Outcome> {
  const bin = `${root}/node_modules/.bin`;
  const command = runtime === "node" ? [`${bin}/node`, "--no-warnings"] : [`${bin}/deno`, "run", "-A", "--quiet"];
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command[0]!, [...command.slice(1), `${root}/test/kit/file.ts`, `${root}/test/${file}`], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: `${bin}:${process.env.PATH}`,
        DENO_DIR: `${root}/node_modules/.cache/deno`, // not the user's
        NO_COLOR: "1",
        FORCE_COLOR: "0",
        SKERRY_TEST_RUNTIME: runtime,
      },
      detached: true, // a group of its own, so that its children go with it
    });
    running.add(child);
    if (niceness !== 0 && child.pid !== undefined) setPriority(child.pid, niceness);
    let output = "", late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child);
    }, fileTimeoutMs);
    child.stdout.on("data", (data) => output += data);
    child.stderr.on("data", (data) => output += data);
    child.on("close", (code) => {
      clearTimeout(timer);
      running.delete(child);
      const count = (word: string): number => Number(new RegExp(`^  ${word}:\\s+(\\d+)`, "m").exec(output)?.[1] ?? 0);
      const passed = count("Passed");
      const skipped = [...output.matchAll(/^SKIPPED (.*)$/gm)].map((match) => match[1]!);
      const good = code === 0 && passed === count("Total") && passed + skipped.length > 0;
      const failed = good ? 0 : Math.max(1, count("Total") - passed);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${good ? "ok  " : "FAIL"} ${runtime} ${file} (${passed} passed, ${seconds} s)\n`);
      if (good) { for (const [line] of output.matchAll(/measured: .*$/gm)) process.stdout.write(`     ${line}\n`); }
      if (!good) process.stdout.write(`${late ? `killed after ${fileTimeoutMs} ms\n` : `exit status ${code}\n`}${output}\n`);
      resolve({ passed, failed, skipped });
    });
  });
}

/** As a user would; then as the kernel would. */
function end(child: ChildProcess): void {
  process.kill(child.pid!, "SIGTERM");
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), partingMs);
  child.once("close", () => clearTimeout(timer));
}

async function mustLeaveNothing(): Promise<void> {
  if (!isOurMachine) return;
  const left = await newTraces(before);
  if (left.length === 0) return;
  for (const trace of left) before.add(trace); // once is enough
  const runs = readdirSync(tmpdir()).flatMap((name) => /^skerry-machine-(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
  if (runs.some((pid) => pid !== process.pid && isRunning(pid))) {
    return void process.stdout.write("Another run of the tests is at work: who leaves what behind cannot be told\n");
  }
  total.failed++;
  const words = left.map((trace) => `  ${trace}, first seen ${firstSeen.has(trace) ? `after ${firstSeen.get(trace)}` : "at the end"}\n`);
  process.stdout.write(`FAIL this has been left behind:\n${words.join("")}`);
}
