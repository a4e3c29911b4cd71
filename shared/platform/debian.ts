// Programs that come from Debian: which package brings which, and how they are installed. The only thing that Skerry ever changes on a machine by itself, and
// only where somebody has asked for it (the demo and the tests).
import { spawnSync } from "node:child_process";
import { accessSync, constants, rmSync, writeFileSync } from "node:fs";
import process from "node:process";

/** The official Python client, for a test with a client that knows nothing of us. */
export const pythonClient = "/usr/lib/python3/dist-packages/kubernetes/__init__.py";
/** Program, or a file that no PATH shows → the Debian package that brings it. */
const packages: Readonly<Record<string, string>> = {
  podman: "podman",
  runc: "runc",
  iptables: "iptables",
  nft: "nftables",
  busybox: "busybox-static",
  kubectl: "kubernetes-client",
  ip: "iproute2",
  conntrack: "conntrack",
  openssl: "openssl",
  etcd: "etcd-server",
  prometheus: "prometheus",
  [pythonClient]: "python3-kubernetes",
  "/usr/lib/podman/netavark": "netavark",
  "/usr/libexec/podman/catatonit": "catatonit",
};
/** What real containers with service routes need. */
export const containerPrograms = [
  "podman",
  "runc",
  "iptables",
  "nft",
  "ip",
  "conntrack",
  "busybox",
  "/usr/lib/podman/netavark",
  "/usr/libexec/podman/catatonit",
];

export const isRoot = (): boolean => process.getuid?.() === 0;

export function isThere(program: string): boolean {
  const places = program.startsWith("/")
    ? [program]
    : `${process.env.PATH}:/usr/sbin:/sbin`.split(":").map((directory) => `${directory}/${program}`);
  return places.some((path) => {
    try {
      accessSync(path, program.startsWith("/") ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian packages of the programs that are not there. */
export const missingPackages = (
  programs: readonly string[],
): string[] => [...new Set(programs.filter((program) => !isThere(program)).map((program) => packages[program] ?? program))];

/** Can they be installed here? */
export const canInstall = (): boolean => isRoot() && isThere("apt-get");

/** Package → the service that it would begin at once and at every boot. We run the program ourselves, where nobody else meets it. */
const services: Readonly<Record<string, string>> = { "etcd-server": "etcd", prometheus: "prometheus" };
/** What Debian asks whether it may start a service (invoke-rc.d(8)); 101 = no. */
const policy = "/usr/sbin/policy-rc.d";

/** @throws Error with the end of what apt-get said */
export function installPackages(names: readonly string[]): void {
  const unwanted = names.flatMap((name) => services[name] ?? []), isOurs = unwanted.length > 0 && !isThere(policy);
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install(names);
  } finally {
    if (isOurs) rmSync(policy);
  }
  for (const service of unwanted) spawnSync("update-rc.d", [service, "disable"]);
}

function install(names: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", ...names]]) {
    const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status !== 0) {
      throw new Error(`Cannot install ${names.join(" ")}: apt-get ${args[0]} ended with ${status}: ${stderr.trim().slice(-500)}`);
    }
  }
}
