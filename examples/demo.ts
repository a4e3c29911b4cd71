// `npm run demo`: a master, one agent, and a web server on three pods behind one address, on this machine. Everything it makes lies in .demo/ and is gone
// after Ctrl-C: containers, bridge, routes. As root on Debian it installs what is missing; without root the containers only pretend.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { canInstall, containerPrograms, installPackages, isRoot, isThere, missingPackages } from "../shared/platform/debian.ts";
import { takeLock } from "../shared/platform/lock.ts";
import { noteMachine, restoreFrom } from "../shared/platform/machine_state.ts";
import { wipePodman } from "../shared/platform/podman_leftovers.ts";
import { runToEnd } from "../shared/platform/process.ts";
import { buildHelloImage } from "./hello_image.ts";

const root = fileURLToPath(new URL("..", import.meta.url)), dir = `${root}.demo`;
const bridge = "skdemo0", table = "skerry-demo", podNetwork = "10.211.0.0/16", machineBefore = `${dir}/machine.json`;
const example = "examples/02_web_deployment";
/** How this runtime runs a file. */
const runFile = [process.execPath, ...("deno" in process.versions ? ["run", "-A", "--quiet"] : ["--no-warnings"])] as const;
const children: ChildProcess[] = [];
let stopping = false;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const step = (line: string): void => say(`· ${line}`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// Bridge and table have fixed names, and each demo begins by taking away what an earlier one has left: one at a time on a machine.
const unlock = await takeLock(`${tmpdir()}/skerry-demo-${process.getuid?.()}.lock`).catch((error) => {
  say(`The demo cannot start; only one runs on a machine at a time. ${error.message}`);
  process.exit(1);
});
process.on("SIGINT", () => void stop(0));
process.on("SIGTERM", () => void stop(0));
try {
  await demo();
} catch (error) {
  if (!stopping) {
    say(`The demo cannot go on: ${error instanceof Error ? error.message : error}`);
    say(`What the programs said: ${dir}/master.log, ${dir}/agent.log`);
    await stop(1, true);
  }
}

async function demo(): Promise<void> {
  const real = prepareMachine();
  cleanUp();
  mkdirSync(dir, { mode: 0o700 });
  if (real) noteMachine(machineBefore);

  const [apiPort, mqttPort] = [await freePort(6443), await freePort(8883)];
  step(`Starting a master on port ${apiPort}`);
  run(
    "master",
    "master/main.ts",
    "serve",
    "--data-dir",
    `${dir}/master`,
    "--listen",
    `127.0.0.1:${apiPort}`,
    "--mqtt-listen",
    `127.0.0.1:${mqttPort}`,
    "--advertise",
    "127.0.0.1",
    // Apart from a node that this machine may already be.
    "--pod-network",
    podNetwork,
    "--service-network",
    "10.212.0.0/16",
  );
  const config = `${dir}/master/admin.kubeconfig`;
  await until("the master to serve", 60, () => logOf("master").includes("The master serves"));
  const token = command("master/main.ts", "token", "create", "--data-dir", `${dir}/master`, "--description", "demo");

  step(real ? "Starting an agent with Podman and nftables" : "Starting an agent whose containers only pretend");
  const engine = real
    ? ["--podman-store", `${dir}/podman`, "--podman-network", "skdemo", "--bridge", bridge, "--nft-table", table]
    : ["--runtime", "emulated"];
  run(
    "agent",
    "agent/main.ts",
    "run",
    "--master",
    `https://127.0.0.1:${apiPort}`,
    "--token",
    token,
    "--data-dir",
    `${dir}/agent`,
    "--run-dir",
    `${dir}/run`,
    "--node-name",
    "demo",
    ...engine,
  );
  await until("the agent to join", 90, () => logOf("agent").includes("Connected to the master"));
  if (real) {
    step("Building the image localhost/skerry-hello:1 from this machine's busybox");
    await buildHelloImage(`${dir}/run/podman.sock`);
  }

  const kubectl = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync("kubectl", ["--kubeconfig", config, "--cache-dir", `${dir}/kubectl`, ...args], {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) {
      throw new Error(`kubectl ${args.join(" ")}: ${stderr.trim() || "is not installed (Debian: apt-get install kubernetes-client)"}`);
    }
    return stdout.trim();
  };
  step(`kubectl apply -f ${example}/`);
  say(kubectl("apply", "-f", `${example}/`).replace(/^/gm, "    "));
  const address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
  if (real) {
    step(`Waiting until http://${address}/ answers`);
    let answer = "";
    await until(`http://${address}/ to answer`, 180, async () => (answer = await get(address)) !== "");
    say(`    ${answer}`);
  }
  step("Waiting until all three pods are ready");
  kubectl("rollout", "status", "deployment/web", "--timeout=180s");
  say(kubectl("get", "pods", "-o", "wide").replace(/^/gm, "    "));

  say(`
It runs. In another terminal:

  export KUBECONFIG=${config}
  kubectl get nodes -o wide
  kubectl get all${real ? `\n  curl http://${address}/\n  kubectl logs -f deployment/web` : ""}
  kubectl scale deployment/web --replicas=5
  kubectl set env deployment/web MESSAGE="High water" && kubectl rollout status deployment/web
  kubectl rollout undo deployment/web
  kubectl describe pod -l app=web
  kubectl delete -f ${example}/

Ctrl-C ends the demo and takes away everything it made.`);
  await new Promise(() => {});
}

/** Installs what real containers need, or says what is missing. */
function prepareMachine(): boolean {
  const missing = missingPackages([...containerPrograms, "kubectl"]);
  if (missing.length > 0 && canInstall()) {
    step(`Installing from Debian: ${missing.join(" ")}`);
    installPackages(missing);
  }
  const still = missingPackages(containerPrograms);
  if (isRoot() && still.length === 0) return true;
  const why = isRoot() ? `install ${still.join(" ")}` : `run as root${still.length > 0 ? ` with ${still.join(" ")} installed` : ""}`;
  say(`No real containers here: for those, ${why}. Going on with containers that only pretend.`);
  return false;
}

function run(name: string, ...args: string[]): void {
  const log = openSync(`${dir}/${name}.log`, "a", 0o600);
  // A group of its own: the terminal's Ctrl-C reaches this process alone, which stops the others in order.
  const child = spawn(runFile[0], [...runFile.slice(1), ...args], { cwd: root, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  child.on("exit", (code) => {
    if (stopping) return;
    say(`The ${name} has ended with ${code}; the last it said:\n${logOf(name).trim().split("\n").slice(-3).join("\n")}`);
    void stop(1, true);
  });
  children.push(child);
}
function command(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(runFile[0], [...runFile.slice(1), ...args], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim());
  return stdout.trim();
}
function logOf(name: string): string {
  return readFileSync(`${dir}/${name}.log`, "utf8");
}

async function until(what: string, seconds: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !await condition();) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await pause(250);
  }
}

/** The first line of the page; "" as long as nobody answers. */
function get(address: string): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get({ host: address, port: 80, timeout: 2000, agent: false }, (response) => {
      let text = "";
      response.on("data", (data) => text += data);
      response.on("end", () => resolve(text.trim().split("\n")[0] ?? ""));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(""));
  });
}

/** This port if it is free, else any. */
function freePort(wished: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", () => wished === 0 ? reject(new Error("no port is free")) : resolve(freePort(0)));
    server.listen(wished, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function stop(code: number, keepLogs = false): Promise<void> {
  if (stopping) return;
  stopping = true;
  say("Stopping, and taking away what the demo made");
  for (const child of children.toReversed()) {
    if (child.exitCode !== null) continue;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await Promise.race([gone, pause(10_000).then(() => child.kill("SIGKILL"))]);
  }
  cleanUp(keepLogs);
  await unlock();
  process.exit(code);
}

/** Also what an earlier demo left that was killed. */
function cleanUp(keepLogs = false): void {
  if (isRoot() && isThere("podman")) {
    const store = [
      "--root",
      `${dir}/podman/root`,
      "--runroot",
      `${dir}/podman/run`,
      "--tmpdir",
      `${dir}/podman/tmp`,
      "--network-config-dir",
      `${dir}/podman/net`,
    ];
    const env = { ...process.env, CONTAINERS_CONF: `${dir}/agent/podman/containers.conf` };
    spawnSync("podman", [...store, "pod", "rm", "--all", "--force", "--time", "1"], { env, stdio: "ignore" });
    spawnSync("podman", [...store, "network", "rm", "--force", "skdemo"], { env, stdio: "ignore" });
    wipePodman({ directory: dir, root: `${dir}/podman/root`, subnet: podNetwork });
    for (const link of [bridge, `${bridge}-s0`]) runToEnd("ip", "link", "delete", link);
    runToEnd("nft", "delete", "table", "inet", table);
    if (!restoreFrom(machineBefore)) say("Left the kernel's settings as they are: containers of somebody else run by now.");
  }
  if (keepLogs) {
    for (const part of ["agent", "master", "podman", "run", "kubectl"]) rmSync(`${dir}/${part}`, { recursive: true, force: true });
  } else rmSync(dir, { recursive: true, force: true });
}
