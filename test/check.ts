// `npm run check`: format, lint, types by both compilers, and the shape of the house. Every check runs, whatever the others say.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url)), bin = `${root}/node_modules/.bin`;
const checks: readonly [string, ...string[]][] = [
  [`${bin}/deno`, "fmt", "--check", "--quiet"],
  [`${bin}/deno`, "lint", "--quiet"],
  [`${bin}/tsc`, "--noEmit"],
  [`${bin}/deno`, "check", "--quiet"],
  [`${bin}/node`, "--no-warnings", "test/kit/file.ts", "test/shape_test.ts"],
];

let failed = 0;
for (const [command, ...args] of checks) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  const name = `${command.slice(bin.length + 1)} ${args.join(" ")}`;
  process.stdout.write(`${status === 0 ? "ok  " : "FAIL"} ${name}\n`);
  if (status !== 0) {
    failed++;
    process.stdout.write(`${stdout}${stderr}`.split("\n").slice(-60).join("\n"));
  }
}
process.exit(failed === 0 ? 0 : 1);
