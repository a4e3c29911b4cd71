// What a Podman with a store of its own has on the machine while its containers run, and all that is left of it when nobody has stopped it: its processes and
// those of its containers, network namespaces, mounts, rules. For the demo and the tests, which take it away whatever has become of them.
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { forgetSubnet } from "./iptables.ts";
import { runToEnd } from "./process.ts";

/** Programs of the engine; nobody else who has one of its files open is ended. */
const engine = new Set(["podman", "conmon", "runc", "crun", "netavark", "aardvark-dns"]);
/** Where they keep a directory for each container that they have not deleted. */
const runtimeStates = ["/run/runc", "/run/crun"];
/** Milliseconds for processes to be gone after SIGKILL. */
const dyingMs = 5_000;

export interface PodmanPlace {
  /** Everything of it is below; absolute. */
  readonly directory: string;
  /** Its `--root`. */
  readonly root: string;
  /** Its containers have their addresses there: `10.211.0.0/16`. */
  readonly subnet: string;
}

/** Ends what runs there, and takes away everything that is not a file. */
export function wipePodman({ directory, root, subnet }: PodmanPlace): void {
  const namespaces = networkNamespaces(root), own = `${directory}/`;
  // Again and again, because the monitor of a container that ends starts a program that cleans up after it.
  for (const end = performance.now() + dyingMs;;) {
    const alive = [...engineProcesses(own), ...inhabitants(namespaces)];
    if (alive.length === 0) break;
    if (performance.now() > end) throw new Error(`Processes of ${directory} do not end: ${alive.join(", ")}`);
    for (const pid of alive) kill(pid);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  for (const path of namespaces) {
    runToEnd("umount", "-l", path);
    rmSync(path, { force: true });
  }
  forgetContainers(root);
  unmountBelow(own);
  forgetSubnet(subnet);
}

/** What the low-level runtime remembers of containers of this store, also of those that Podman has forgotten. */
export function forgetContainers(root: string): void {
  for (const states of runtimeStates.filter((path) => existsSync(path))) {
    for (const id of readdirSync(states)) {
      const path = `${states}/${id}`, file = [`${path}/state.json`, `${path}/status`].find((path) => existsSync(path));
      // runc says where the container's files are, crun where its bundle is: both in the store.
      if (file && new RegExp(`"(rootfs|bundle)":\\s*"${root}/`).test(readFileSync(file, "utf8"))) {
        rmSync(path, { recursive: true, force: true });
      }
    }
  }
}

/** Where Podman has bound the network namespaces of its pods; those that are still there. */
export function networkNamespaces(root: string): string[] {
  const specs = containerIds(root).map((id) => `${containersOf(root)}/${id}/userdata/config.json`).filter((path) => existsSync(path));
  const namespaces = specs.flatMap((path) => (JSON.parse(readFileSync(path, "utf8")).linux?.namespaces ?? []) as Namespace[]);
  const paths = namespaces.flatMap(({ type, path }) => type === "network" && path?.startsWith("/run/netns/") ? [path] : []);
  return [...new Set(paths)].filter((path) => existsSync(path));
}
const containersOf = (root: string): string => `${root}/overlay-containers`;
const containerIds = (root: string): string[] =>
  existsSync(containersOf(root)) ? readdirSync(containersOf(root)).filter((name) => /^[0-9a-f]{64}$/.test(name)) : [];
interface Namespace {
  readonly type: string;
  readonly path?: string;
}

/** Who lives in these network namespaces: the containers' processes, their children, and the pause processes, which Podman's list of containers leaves out. */
export function inhabitants(namespaces: readonly string[]): number[] {
  const names = new Set(namespaces.map((path) => `net:[${statSync(path).ino}]`));
  return names.size === 0 ? [] : processes((pid) => names.has(readlinkSync(`/proc/${pid}/ns/net`)));
}

/** False also for one that has ended and waits for its parent to look. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** @throws Error other than that it has ended already */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as { code?: string }).code !== "ESRCH") throw error;
  }
}

/** Podman binds its store onto itself and leaves shared memory mounted where a container was not removed in order. */
export function unmountBelow(directory: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const path of mounts.filter((path) => path.startsWith(directory)).reverse()) runToEnd("umount", "-l", path);
}

const engineProcesses = (own: string): number[] =>
  processes((pid) => {
    const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return engine.has(basename(program!)) && args.some((word) => word.includes(own));
  });

/** Those that still live, and of which this is so. */
function processes(isOne: (pid: number) => boolean): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return isOne(pid) && isRunning(pid);
    } catch {
      return false; // it has ended
    }
  });
}
