// What the tests need from Debian. Installed once, as root; nothing else of the machine is changed.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import process from "node:process";

/** Program → the Debian package that brings it. */
const programs: Readonly<Record<string, string>> = {
  podman: "podman",
  runc: "runc",
  iptables: "iptables",
  nft: "nftables",
  busybox: "busybox-static",
  kubectl: "kubernetes-client",
  ip: "iproute2",
  conntrack: "conntrack",
  openssl: "openssl",
  mosquitto_pub: "mosquitto-clients",
};
/** Files that no PATH shows. */
const files: Readonly<Record<string, string>> = { "/usr/lib/podman/netavark": "netavark", "/usr/libexec/podman/catatonit": "catatonit" };

const found = (program: string): boolean =>
  `${process.env.PATH}:/usr/sbin:/sbin`.split(":").some((directory) => readable(`${directory}/${program}`, constants.X_OK));

function readable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Installs the Debian packages whose programs are missing; says what is missing where it cannot. */
export async function install(tests: readonly string[]): Promise<void> {
  if (!tests.some((file) => file.startsWith("system/") || file.includes("contract"))) return;
  const missing = [
    ...Object.keys(programs).filter((program) => !found(program)).map((program) => programs[program]!),
    ...Object.keys(files).filter((path) => !readable(path, constants.R_OK)).map((path) => files[path]!),
  ];
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !found("apt-get")) {
    process.stdout.write(`Missing Debian packages: ${missing.join(" ")}. Install them, or run as root on Debian.\n`);
    return;
  }
  process.stdout.write(`Installing from Debian: ${missing.join(" ")}\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", ...missing]]) {
    const { status, stderr } = spawnSync("apt-get", args, { env: environment, encoding: "utf8" });
    if (status !== 0) {
      throw new Error(`Cannot install the test's Debian packages: apt-get ${args[0]} ended with ${status}: ${stderr.slice(-500)}`);
    }
  }
}
