// Rules that other programs keep through iptables, Podman's network program (netavark) first of all: read, and taken away where it can no longer do so itself.
import { runToEnd } from "./process.ts";

export const iptablesTables = ["filter", "nat"] as const;
export type IptablesTable = (typeof iptablesTables)[number];

const iptables = (table: IptablesTable, ...args: string[]): string => runToEnd("iptables", "-w", "-t", table, ...args).stdout;

/** As `iptables -S` prints them, each cut into its words: ["-A", "FORWARD", "-s", "10.0.0.0/24", …]. None where there is no iptables. */
export const listRules = (table: IptablesTable): string[][] =>
  iptables(table, "-S").split("\n").filter((line) => line !== "").map((line) =>
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!)
  );

const deleteRule = (table: IptablesTable, [, ...rule]: readonly string[]): void => void iptables(table, "-D", ...rule);

/** These chains, and every rule that leads into them. */
export function deleteChains(table: IptablesTable, chains: readonly string[]): void {
  const isThere = new Set(chains);
  for (const rule of listRules(table)) {
    if (rule[0] === "-A" && isThere.has(rule[rule.lastIndexOf("-j") + 1]!)) deleteRule(table, rule);
  }
  for (const chain of chains) iptables(table, "-F", chain);
  for (const chain of chains) iptables(table, "-X", chain);
}

/** Every rule with an address in this subnet, and the chains that netavark keeps for it. @param subnet IPv4, `10.211.0.0/16` */
export function forgetSubnet(subnet: string): void {
  const [base, length] = subnet.split("/") as [string, string], size = 2 ** (32 - Number(length));
  const block = (address: string): number => Math.floor(address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0) / size);
  const isInside = (word: string): boolean => /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(word) && block(word.split("/")[0]!) === block(base);
  for (const table of iptablesTables) {
    const ours = listRules(table).filter((rule) => rule[0] === "-A" && rule.some(isInside));
    for (const rule of ours) deleteRule(table, rule);
    deleteChains(table, [...new Set(ours.flat().filter((word) => /^NETAVARK-[0-9A-F]{13}$/.test(word)))]);
  }
}
