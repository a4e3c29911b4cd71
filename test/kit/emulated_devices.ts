// Devices that only pretend, all in one process, as users run it.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import * as assert from "uvu/assert";
import { command, root } from "./master_process.ts";

export interface EmulatedDevices {
  readonly pid: number;
  /** Undefined while it runs. */
  exitCode(): number | undefined;
  log(): string;
  stop(): Promise<void>;
}
/** Runs until it is stopped. `more`: further options. */
export function emulatedDevices(
  { master, token, count, more = [] }: { master: string; token: string; count: number; more?: readonly string[] },
): EmulatedDevices {
  const given = ["--count", String(count), "--master", master, "--token", token, "--log-level", "warn", ...more];
  const [program, args] = command("agent/main.ts", "emulate", ...given);
  const child: ChildProcess = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let log = "", code: number | undefined;
  const ended = new Promise<void>((resolve) =>
    child.once("close", (status) => {
      code = status ?? -1;
      resolve();
    })
  );
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (data) => log = (log + data).slice(-10_000));
  const onExit = (): void => void child.kill("SIGKILL");
  process.on("exit", onExit);
  return {
    pid: child.pid!,
    exitCode: () => code,
    log: () => log,
    async stop() {
      if (code === undefined) process.kill(child.pid!, "SIGTERM"); // not child.kill: Deno then says that the signal has ended it, whatever did
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(timer);
      process.off("exit", onExit);
      assert.is(code, 0, log);
    },
  };
}

/** A Deployment for such devices: nobody has to have its image. */
export const emulatedWeb = (replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "registry.example/web:1" }] } },
  },
});
