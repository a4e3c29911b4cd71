// `npm test`: every *_test.ts under test/, each in a process of its own, on Node and on Deno. With arguments: only the files whose path contains one of them.
// --runtime node|deno limits the runtimes. The last line is the verdict.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { allowedSkips } from "./skips.ts";
import { install } from "./kit/install.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runtime: { type: "string" }, "no-install": { type: "boolean" } },
});
/** Milliseconds one file may take. */
const fileTimeoutMs = 300_000;

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

/** Files that use the machine itself (Podman, nftables, timing) run alone, the others two at a time. */
const alone = (file: string): boolean => /^(system|bench)\//.test(file);
const jobs = files.flatMap((file) => runtimes.map((runtime) => ({ file, runtime })));
const total: Outcome = { passed: 0, failed: 0, skipped: [] };
const queues = [jobs.filter((job) => !alone(job.file)), jobs.filter((job) => alone(job.file))];
for (const [index, queue] of queues.entries()) {
  await Promise.all(Array.from({ length: index === 0 ? 2 : 1 }, async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const outcome = await run(job.file, job.runtime);
      total.passed += outcome.passed;
      total.failed += outcome.failed;
      total.skipped.push(...outcome.skipped);
    }
  }));
}
for (const skip of new Set(total.skipped)) process.stdout.write(`skipped: ${skip}\n`);
// On the machine the tests are made for, only what is listed may be skipped.
const surprising = process.platform === "linux" && process.getuid?.() === 0
  ? [...new Set(total.skipped)].filter((skip) =>
    !allowedSkips.some((allowed) => skip.includes(allowed.test) && skip.includes(allowed.reason))
  )
  : [];
for (const skip of surprising) process.stdout.write(`not allowed to be skipped here: ${skip}\n`);
const failed = total.failed + surprising.length;
process.stdout.write(`${total.passed} passed, ${failed} failed, ${total.skipped.length} skipped\n`);
process.exit(failed === 0 && total.passed > 0 ? 0 : 1);

function run(file: string, runtime: string): Promise<Outcome> {
  const bin = `${root}/node_modules/.bin`;
  const command = runtime === "node" ? [`${bin}/node`, "--no-warnings"] : [`${bin}/deno`, "run", "-A", "--quiet"];
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command[0]!, [...command.slice(1), `${root}/test/kit/file.ts`, `${root}/test/${file}`], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, NO_COLOR: "1", FORCE_COLOR: "0", SKERRY_TEST_RUNTIME: runtime },
      detached: true, // a group of its own, so that its children go with it
    });
    let output = "", late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid!, "SIGKILL");
    }, fileTimeoutMs);
    child.stdout.on("data", (data) => output += data);
    child.stderr.on("data", (data) => output += data);
    child.on("close", (code) => {
      clearTimeout(timer);
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
