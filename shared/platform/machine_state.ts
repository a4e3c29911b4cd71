// What containers and service routes change on a machine beyond their own directory, bridge and table, and how it is put back: settings of the kernel,
// the chains that Podman's network program (netavark) makes for its first container and keeps after its last, and what both keep outside Podman's store. For the demo and the tests, which leave a machine as
// they found it; an agent leaves both, since the containers that it leaves need them.
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { deleteChains, type IptablesTable, iptablesTables, listRules } from "./iptables.ts";
import { runToEnd } from "./process.ts";

export interface MachineState {
  /** Path below /proc/sys → what it held. */
  readonly settings: Readonly<Record<string, string>>;
  /** Packet filter tables of family `ip` that were there. */
  readonly tables: readonly IptablesTable[];
  /** Those of them that had chains of netavark. */
  readonly netavark: readonly IptablesTable[];
  /** Those of `residues` that were there. */
  readonly residues: readonly string[];
}

/** Files, and directories that go once they are empty: without containers nobody needs them. */
const residues = [
  "/run/containers/networks/ipam.db",
  "/run/containers/networks",
  "/run/containers",
  "/run/crun",
  "/run/netns",
  "/run/runc",
  "/var/lib/containers/cache/blob-info-cache-v1.boltdb",
  "/var/lib/containers/cache",
  "/var/lib/containers",
];

/** Of each link: who switches forwarding on changes them, too. */
const linkSettings = ["accept_redirects", "forwarding", "send_redirects"];
const settingsNow = (): Record<string, string> => {
  const links = readdirSync("/proc/sys/net/ipv4/conf").flatMap((link) => linkSettings.map((name) => `net/ipv4/conf/${link}/${name}`));
  // In the order they must be written: the first resets others.
  const paths = ["net/ipv4/ip_forward", ...links, "net/bridge/bridge-nf-call-iptables", "net/netfilter/nf_conntrack_max"];
  return Object.fromEntries(paths.filter((path) => existsSync(`/proc/sys/${path}`)).map((path) => [path, setting(path)]));
};
const setting = (path: string): string => readFileSync(`/proc/sys/${path}`, "utf8").trim();
const chainsOf = (table: IptablesTable, pattern: RegExp): string[] =>
  listRules(table).flatMap((rule) => rule[0] === "-N" && pattern.test(rule[1]!) ? [rule[1]!] : []);

export function machineState(): MachineState {
  const tables = iptablesTables.filter((table) => runToEnd("nft", "list", "table", "ip", table).status === 0);
  return {
    settings: settingsNow(),
    tables,
    netavark: tables.filter((table) => chainsOf(table, /^NETAVARK/).length > 0),
    residues: residues.filter((path) => existsSync(path)),
  };
}

/** Puts back what was so. Where containers of somebody else run by now, it leaves everything as they need it. @returns whether it did */
export function restoreMachine(before: MachineState): boolean {
  const now = machineState();
  // One chain for each network that has containers: NETAVARK-, and 13 digits of a hash.
  if (now.tables.includes("nat") && !before.netavark.includes("nat") && chainsOf("nat", /^NETAVARK-[0-9A-F]{13}$/).length > 0) return false;
  for (const table of now.tables) {
    if (!before.netavark.includes(table)) deleteChains(table, chainsOf(table, /^NETAVARK/));
    const empty = listRules(table).every(([kind, , policy]) => kind === "-P" && policy === "ACCEPT");
    if (!before.tables.includes(table) && empty) runToEnd("nft", "delete", "table", "ip", table);
  }
  for (const [path, value] of Object.entries(before.settings)) {
    if (existsSync(`/proc/sys/${path}`) && setting(path) !== value) writeFileSync(`/proc/sys/${path}`, value);
  }
  for (const path of now.residues) if (!before.residues.includes(path)) removeResidue(path);
  return true;
}

function removeResidue(path: string): void {
  if (!statSync(path).isDirectory()) return rmSync(path);
  if (readdirSync(path).length > 0) return;
  if (path === "/run/netns") runToEnd("umount", path); // who makes a namespace binds it onto itself
  rmdirSync(path);
}

/** Looks at the machine and notes it in a file, so that whoever comes after a kill can put it back. */
export function noteMachine(path: string): void {
  writeFileSync(path, JSON.stringify(machineState()), { mode: 0o600 });
}
/** Puts back what the file says, if there is one, and removes it. @returns false where it was left as it is because containers of somebody else run */
export function restoreFrom(path: string): boolean {
  if (!existsSync(path)) return true;
  const restored = restoreMachine(JSON.parse(readFileSync(path, "utf8")) as MachineState);
  rmSync(path);
  return restored;
}
