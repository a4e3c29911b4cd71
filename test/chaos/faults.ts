// Carries faults out on real processes, links and disks, up to two at a time, never two at one member; and takes all of them back.
import type { Random } from "../../shared/util/clock.ts";
import { drawFault, type Fault, type FaultKind, faultText } from "./fault.ts";
import type { ChaosMember } from "./member.ts";
import { leaderOf, replaceMember } from "./membership.ts";
import type { ChaosNetwork } from "./network.ts";

const together = 2;
/** Milliseconds between two, at most. */
const restMs = 2_500;

export class Faults {
  readonly problems: string[] = [];
  readonly counts = new Map<FaultKind, number>();
  readonly #network: ChaosNetwork;
  readonly #members: readonly ChaosMember[];
  readonly #directory: string;
  readonly #kinds: readonly FaultKind[];
  readonly #random: Random;
  readonly #say: (what: string) => void;
  readonly #busy = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  #over = new AbortController();
  #partitioned = false;
  #replacing = false;

  constructor(
    { network, members, directory, say }: {
      network: ChaosNetwork;
      members: readonly ChaosMember[];
      directory: string;
      say: (what: string) => void;
    },
    kinds: readonly FaultKind[],
    random: Random,
  ) {
    this.#network = network;
    this.#members = members;
    this.#directory = directory;
    this.#kinds = kinds;
    this.#random = random;
    this.#say = say;
  }

  /** Trouble for so long; then all is well again, and every member started. */
  async run(ms: number): Promise<void> {
    this.#over = new AbortController();
    const until = performance.now() + ms;
    while (performance.now() < until && this.#kinds.length > 0) {
      await this.#wait(Math.min(this.#random() * restMs, until - performance.now()));
      if (this.#running.size >= together) continue;
      const leader = (await leaderOf(this.#members))?.index, fault = drawFault(this.#random, this.#kinds, this.#members.length, leader);
      const victims = this.#victims(fault),
        isTaken = fault.do === "partition" && this.#partitioned || fault.do === "replace" && this.#replacing;
      if (isTaken || victims.some((member) => this.#busy.has(member))) continue;
      this.#begin(fault, victims, leader);
    }
    await this.#wait(until - performance.now());
    this.#over.abort();
    await Promise.all(this.#running);
    await this.#network.heal();
    for (const member of this.#members) member.resume();
  }

  #victims(fault: Fault): readonly number[] {
    if ("member" in fault) return [fault.member];
    return fault.do === "partition" ? [] : this.#members.map(({ index }) => index);
  }
  #begin(fault: Fault, victims: readonly number[], leader: number | undefined): void {
    this.#say(faultText(fault, leader));
    this.counts.set(fault.do, (this.counts.get(fault.do) ?? 0) + 1);
    for (const member of victims) this.#busy.add(member);
    const running = this.#carryOut(fault).catch((error) => void this.problems.push(`${faultText(fault, leader)}: ${error.message}`))
      .finally(
        () => {
          for (const member of victims) this.#busy.delete(member);
          this.#running.delete(running);
        },
      );
    this.#running.add(running);
  }

  async #carryOut(fault: Fault): Promise<void> {
    const network = this.#network, victim = "member" in fault ? this.#members[fault.member]! : undefined;
    switch (fault.do) {
      case "kill":
        await victim!.kill();
        await this.#wait(fault.downMs);
        return void victim!.start();
      case "stop":
        await this.#stop(victim!);
        await this.#wait(fault.downMs);
        return void victim!.start();
      case "blackout":
        await Promise.all(this.#members.map((member) => member.kill()));
        await this.#wait(fault.downMs);
        return this.#members.forEach((member) => void member.start());
      case "roll":
        for (const member of this.#members) {
          if (this.#over.signal.aborted) return;
          await this.#stop(member);
          await Promise.race([member.start().catch(() => {}), this.#wait(10_000)]);
        }
        return;
      case "pause":
        victim!.pause();
        await this.#wait(fault.ms);
        return victim!.resume();
      case "partition":
        this.#partitioned = true;
        await network.cut(fault.cuts);
        await this.#wait(fault.ms);
        await network.cut([]);
        this.#partitioned = false;
        return;
      case "loss":
        await network.lose(fault.member, fault.percent);
        await this.#wait(fault.ms);
        return await network.lose(fault.member, 0);
      case "slow":
        await network.slow(fault.member, fault.kbit);
        await this.#wait(fault.ms);
        return await network.slow(fault.member, 0);
      case "disk":
        if (fault.restart) await victim!.kill();
        victim!.fillDisk();
        if (fault.restart) void victim!.start();
        await this.#wait(fault.ms);
        return victim!.freeDisk();
      case "replace":
        this.#replacing = true;
        await replaceMember(this.#members, victim!, this.#directory);
        this.#replacing = false;
        return;
      default:
        fault satisfies never;
    }
  }

  async #stop(member: ChaosMember): Promise<void> {
    const wasUp = member.isUp, stopped = member.stop();
    const code = await Promise.race([stopped, this.#wait(stopMs, false).then(() => "late" as const)]);
    if (code === "late") {
      this.problems.push(`${member.name} has not stopped ${stopMs} ms after SIGTERM: ${member.log.slice(-1_500)}`);
      await member.kill();
    } else if (wasUp && code !== 0) this.#say(`${member.name} has ended with status ${code} after SIGTERM`);
  }

  /** Or until the trouble is over. */
  async #wait(ms: number, endsEarly = true): Promise<void> {
    const { signal } = this.#over;
    if (ms <= 0 || endsEarly && signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (!endsEarly) return;
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      }, { once: true });
    });
  }
}
/** Milliseconds a master may take to stop: for writes under way, and to hand leadership over. */
const stopMs = 30_000;
