// Members in network namespaces of their own, behind one bridge in the namespace of this process:
//
//   m0 10.99.0.1 ─┐
//   m1 10.99.0.2 ─┼─ bridge 10.99.0.254, where the clients are
//   m2 10.99.0.3 ─┘
//
// The namespaces have no names: they are gone when the processes in them are.
import { type ChildProcess, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { runner } from "../../shared/platform/process.ts";
import { eventually } from "../kit/eventually.ts";

const bridge = "chaos", hub = "10.99.0.254";
export const addressOf = (member: number): string => `10.99.0.${member + 1}`;

/** A link of one direction. */
export type Cut = readonly [from: number, to: number];

export class ChaosNetwork {
  readonly #anchors: ChildProcess[] = [];
  #cuts: readonly Cut[] = [];
  readonly #lossPercent = new Map<number, number>();

  static async open(members: number): Promise<ChaosNetwork> {
    const network = new ChaosNetwork();
    await ip([], `link set lo up\nlink add ${bridge} type bridge\naddr add ${hub}/24 dev ${bridge}\nlink set ${bridge} up`);
    for (let member = 0; member < members; member++) await network.#attach(member);
    return network;
  }

  async #attach(member: number): Promise<void> {
    const anchor = spawn("unshare", ["-n", "sleep", "infinity"], { stdio: "ignore" });
    this.#anchors.push(anchor);
    const own = readlinkSync("/proc/self/ns/net"), isAway = () => readlinkSync(`/proc/${anchor.pid}/ns/net`) !== own;
    await eventually(`member ${member} has a network namespace`, isAway, { everyMs: 10 });
    const port = `m${member}`;
    await ip([], `link add ${port} type veth peer name eth0 netns ${anchor.pid}\nlink set ${port} master ${bridge}\nlink set ${port} up`);
    await ip(this.prefix(member), `link set lo up\naddr add ${addressOf(member)}/24 dev eth0\nlink set eth0 up`);
  }

  /** What a command has to begin with to run at this member's place. */
  prefix(member: number): readonly string[] {
    return ["nsenter", "-t", `${this.#anchors[member]!.pid}`, "-n", "--"];
  }

  /** From now on these are cut, and no others. Clients reach every member all the same. */
  async cut(cuts: readonly Cut[]): Promise<void> {
    this.#cuts = cuts;
    await this.#filter();
  }
  /** Of the packets that reach this member from another so many get lost, in percent. */
  async lose(member: number, percent: number): Promise<void> {
    this.#lossPercent.set(member, percent);
    await this.#filter();
  }
  /** What this member sends takes turns on a line of so many kbit/s; 0: as fast as it can. */
  async slow(member: number, kbit: number): Promise<void> {
    const how = kbit > 0 ? `qdisc replace dev eth0 root tbf rate ${kbit}kbit burst 8k latency 400ms` : "qdisc delete dev eth0 root";
    const { status, stderr } = await runner(this.prefix(member))(["tc", ...how.split(" ")]);
    if (status !== 0 && kbit > 0) throw new Error(`tc at member ${member}: ${stderr}`);
  }
  /** Every link is well. */
  async heal(): Promise<void> {
    this.#cuts = [];
    this.#lossPercent.clear();
    await this.#filter();
    await Promise.all(this.#anchors.map((_, member) => this.slow(member, 0)));
  }
  close(): void {
    for (const anchor of this.#anchors) anchor.kill("SIGKILL");
  }

  async #filter(): Promise<void> {
    await Promise.all(this.#anchors.map(async (_, member) => {
      const rules = this.#cuts.flatMap(([from, to]) => to === member ? [`ip saddr ${addressOf(from)} drop`] : []);
      const loss = this.#lossPercent.get(member) ?? 0;
      if (loss > 0) rules.push(`ip saddr != ${hub} numgen random mod 100 < ${loss} drop`);
      const chain = ["type filter hook input priority 0", ...rules].join("\n");
      const { status, stderr } = await runner(this.prefix(member))(["nft", "-f", "-"], {
        stdin: `table inet chaos {}\ndelete table inet chaos\ntable inet chaos {\nchain input {\n${chain}\n}\n}\n`,
      });
      if (status !== 0) throw new Error(`nft at member ${member}: ${stderr}`);
    }));
  }
}

/** Commands of `ip`, one a line. */
async function ip(prefix: readonly string[], lines: string): Promise<void> {
  const { status, stderr } = await runner(prefix)(["ip", "-batch", "-"], { stdin: lines });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}
