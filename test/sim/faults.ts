// What goes wrong. Each run draws which kinds of trouble it has, since a run with all of them finds less than many with a few (swarm testing), and how often.
import type { ConfState } from "../../master/store/raft/membership.ts";
import { raftTickMs } from "../../shared/limits.ts";
import type { SimMember } from "./member.ts";
import type { SimNetwork } from "./network.ts";
import type { World } from "./world.ts";

export const troubles = [
  "loss",
  "repeats",
  "delays",
  "stalls",
  "sieges",
  "echoes",
  "partitions",
  "kills",
  "stops",
  "powerCuts",
  "blackouts",
  "pauses",
  "hangs",
  "slowDisks",
  "diskErrors",
  "fullDisks",
  "clocks",
  "transfers",
  "coups",
  "members",
  "rot",
  "floods",
] as const;
export type Trouble = (typeof troubles)[number];

/** Who runs the cluster. */
export interface Operator {
  readonly members: readonly SimMember[];
  /** Ends a process; it is started again a while later. */
  restart(member: SimMember, how: "kill" | "cutPower" | "stop"): void;
  /** Sends many clients to one member that write. */
  crowd(member: SimMember): void;
  /** And a few that read. */
  visit(member: SimMember): void;
  /** Adds, promotes or removes somebody. */
  changeMembers(): void;
}

export class Faults {
  readonly kinds: ReadonlySet<Trouble>;
  readonly #world: World;
  readonly #network: SimNetwork;
  readonly #operator: Operator;
  #on = true;

  constructor(world: World, network: SimNetwork, operator: Operator) {
    this.#world = world;
    this.#network = network;
    this.#operator = operator;
    this.kinds = new Set(troubles.filter(() => world.chance(0.4)));
  }

  start(): void {
    const world = this.#world, network = this.#network, { kinds } = this;
    if (kinds.has("loss")) network.lossRate = world.between(0, 0.2);
    if (kinds.has("repeats")) network.repeatRate = world.between(0, 0.5);
    if (kinds.has("delays")) network.delay = [1, world.between(5, 200)];
    for (const member of this.#operator.members) this.#wear(member);
    if (kinds.has("stalls")) this.#every(300, 4_000, () => this.#stall());
    if (kinds.has("sieges")) this.#every(500, 5_000, () => this.#besiege());
    if (kinds.has("echoes")) network.echoRate = world.between(0, 0.1);
    network.isFaithful = kinds.has("echoes") || (kinds.has("kills") && world.chance(0.5));
    if (kinds.has("partitions")) this.#every(500, 6_000, () => this.#partition());
    if (kinds.has("kills")) this.#every(300, 6_000, () => this.#operator.restart(this.#victim(), "kill"));
    if (kinds.has("stops")) this.#every(300, 6_000, () => this.#operator.restart(this.#victim(), "stop"));
    if (kinds.has("powerCuts")) this.#every(300, 6_000, () => this.#operator.restart(this.#victim(), "cutPower"));
    if (kinds.has("blackouts")) {
      this.#every(2_000, 12_000, () => {
        for (const member of this.#operator.members) this.#operator.restart(member, "cutPower");
      });
    }
    if (kinds.has("pauses")) {
      this.#every(
        200,
        5_000,
        () => this.#victim().life?.process.pause(world.chance(0.5) ? world.between(50, 500) : world.between(1_000, 8_000)),
      );
    }
    if (kinds.has("hangs")) this.#every(1_000, 8_000, () => this.#victim().disk.hang(world.between(100, 5_000)));
    if (kinds.has("clocks")) this.#every(500, 5_000, () => this.#victim().jumpWall(world.between(-3_600_000, 3_600_000)));
    if (kinds.has("transfers")) this.#every(500, 5_000, () => this.#leader()?.replica?.transfer(this.#victim().id));
    // Of the others, somebody has it all.
    const victims = this.spare;
    if (kinds.has("rot") && victims.length > 0) {
      this.#every(1_000, 10_000, () => {
        const victim = world.pick(victims);
        this.#operator.restart(victim, "kill");
        victim.disk.rot();
      });
    }
    if (kinds.has("floods")) this.#every(500, 6_000, () => this.#flood());
    if (kinds.has("members")) this.#every(500, 3_000, () => this.#operator.changeMembers());
  }

  /** As many members as a majority can do without, always the same; nobody, where members come and go. */
  get spare(): SimMember[] {
    return this.kinds.has("members") ? [] : this.#operator.members.slice(0, (this.#operator.members.length - 1) >> 1);
  }

  /** A disk as bad as this run has them. */
  #wear({ disk }: SimMember): void {
    if (this.kinds.has("diskErrors")) disk.failing.EIO = this.#world.between(0, 0.002);
    // Some of them, so that an fsync takes longer than an election.
    if (this.kinds.has("slowDisks") && this.#world.chance(0.5)) disk.syncMs = this.#world.between(10, 300);
    if (this.kinds.has("fullDisks")) disk.failing.ENOSPC = this.#world.between(0, 0.002);
  }

  /** Somebody leads: the most delicate moment is the first, before anything of the new term is everywhere. */
  elected(id: number): void {
    const world = this.#world, operator = this.#operator;
    if (!this.#on || !this.kinds.has("coups") || world.chance(0.5)) return;
    const leader = operator.members.find((member) => member.id === id);
    if (!leader) return;
    world.after(world.between(0, 60), () => {
      if (this.#on) operator.restart(leader, world.chance(0.5) ? "kill" : "cutPower");
    });
  }

  /** A process serves again: some fall over their first steps, and under some the power goes, and with it what the process before believed to be there. */
  opens(member: SimMember): void {
    const world = this.#world, ms = world.between(0, world.pick([15, 60]));
    if (!this.#on || world.chance(0.7)) return;
    const how = (["kill", "cutPower"] as const).filter((how) => this.kinds.has(how === "kill" ? "kills" : "powerCuts"));
    if (how.length > 0) world.after(ms, () => this.#on && this.#operator.restart(member, world.pick(how)));
  }

  /** A file has its name and nothing has made that certain: some processes end here, most of all where the log is to follow on a snapshot. */
  renames(member: SimMember, path: string): void {
    const world = this.#world;
    if (!this.#on || !this.kinds.has("kills") || world.chance(path.endsWith(".snap") ? 0.85 : 0.97)) return;
    world.after(world.between(0, member.disk.syncMs), () => this.#on && this.#operator.restart(member, "kill"));
  }

  /** The members change: the cluster breaks where a majority of those before, or of those to come, is on one side, and no majority of the other. */
  splits({ voters, outgoing }: ConfState): void {
    const world = this.#world, network = this.#network, all = [...new Set([...voters, ...outgoing])];
    if (!this.#on || world.chance(0.5)) return;
    const side = new Set(all.filter(() => world.chance(0.5)));
    const isMajority = (half: readonly number[]) => half.filter((id) => side.has(id)).length * 2 > half.length;
    if (isMajority(voters) === isMajority(outgoing)) return;
    network.reconnect();
    for (const a of all) for (const b of all) if (side.has(a) !== side.has(b)) network.cut(a, b);
    const longest = Math.max(...this.#operator.members.map(({ sizes }) => sizes.electionTicks)) * raftTickMs;
    world.after(longest * world.between(1, 5), () => network.reconnect());
  }

  /** Somebody renews a lease at the last moment: then the leader's wall clock jumps to where the lease seems long over. */
  renewsLate(): void {
    const world = this.#world;
    if (!this.#on || !this.kinds.has("clocks") || world.chance(0.3)) return;
    world.after(world.between(0, 60), () => {
      const leader = this.#leader(), raft = leader?.replica?.raft;
      if (!this.#on || !raft) return;
      const behindMs = (raft.entryAt(raft.lastIndex)?.time ?? 0) - leader!.life!.process.clock.now();
      leader!.jumpWall(Math.max(0, behindMs) + world.between(1_000, 20_000));
    });
  }

  /** Everything is well from now on. */
  stop(): void {
    this.#on = false;
    this.#network.heal();
    for (const { disk } of this.#operator.members) {
      disk.failing.EIO = disk.failing.ENOSPC = 0;
      disk.empty();
      disk.syncMs = Math.min(disk.syncMs, 8);
    }
  }

  /** Disks fill up, of one member or of all, and are emptied a while later. */
  #flood(): void {
    const world = this.#world, victims = world.chance(0.2) ? this.#operator.members : [this.#victim()];
    for (const { disk } of victims) {
      disk.fill(world.chance(0.5) ? 0 : world.whole(50_000));
      world.after(world.between(500, 20_000), () => disk.empty());
    }
  }

  #every(least: number, most: number, task: () => void): void {
    this.#world.after(this.#world.between(least, most), () => {
      if (!this.#on) return;
      task();
      this.#every(least, most, task);
    });
  }
  #victim(): SimMember {
    const leader = this.#leader();
    return leader && this.#world.chance(0.4) ? leader : this.#world.pick(this.#operator.members);
  }
  #leader(): SimMember | undefined {
    return this.#operator.members.find(({ replica }) => replica?.raft.role === "leader");
  }

  /** What somebody sends, or is sent, comes much later than it should: in one piece, when much else has happened. Most of all an election. */
  #stall(): void {
    const world = this.#world, victim = this.#victim(), one = victim.id, directions = world.whole(3);
    const ms = world.chance(0.5) ? world.between(100, 4_000) : victim.sizes.electionTicks * raftTickMs * world.between(1, 2.5);
    for (const { id } of this.#operator.members) {
      if (id === one || world.chance(0.2)) continue;
      if (directions !== 1) this.#network.stall(one, id, ms);
      if (directions !== 0) this.#network.stall(id, one, ms);
    }
  }

  /** Whoever leads is cut off, and does not know it yet: what its clients write then, the others will contradict. */
  #besiege(): void {
    const world = this.#world, leader = this.#leader();
    if (!leader) return;
    const electionMs = leader.sizes.electionTicks * raftTickMs;
    if (world.chance(0.5)) return this.#flatter(leader, electionMs);
    const ms = electionMs * world.between(1, 3);
    for (const { id } of this.#operator.members) {
      if (id === leader.id) continue;
      this.#network.stall(leader.id, id, ms);
      this.#network.stall(id, leader.id, ms);
    }
    this.#operator.crowd(leader);
  }
  /** It goes on hearing what was true long ago: answers come later and later, and those who gave them hear nothing of it any more, and choose somebody else. */
  #flatter(leader: SimMember, electionMs: number): void {
    const world = this.#world,
      network = this.#network,
      growMs = electionMs * world.between(1.5, 3),
      silentMs = electionMs * world.between(2, 4);
    const others = this.#operator.members.filter(({ id }) => id !== leader.id);
    for (const { id } of others) network.delayMoreAndMore(id, leader.id, { ms: growMs + silentMs, growth: world.between(0.5, 1.5) });
    world.after(growMs, () => {
      if (this.#on) { for (const { id } of others) network.stall(leader.id, id, silentMs); }
    });
    for (let visits = 3; visits > 0; visits--) {
      world.after(growMs + electionMs * world.between(1, 3), () => this.#on && this.#operator.visit(leader));
    }
  }

  /** One at a time; the next one, or the end of the run, ends it. */
  #partition(): void {
    const world = this.#world, network = this.#network, ids = this.#operator.members.map(({ id }) => id);
    network.reconnect();
    const both = (a: number, b: number): void => {
      network.cut(a, b);
      network.cut(b, a);
    };
    const one = this.#victim().id, others = ids.filter((id) => id !== one);
    switch (world.whole(6)) {
      case 0: // nothing: time to breathe
        return;
      case 1:
        for (const id of others) both(one, id);
        return;
      case 2: // it is heard, and hears nothing
        for (const id of others) network.cut(id, one);
        return;
      case 3: // it hears, and is not heard
        for (const id of others) network.cut(one, id);
        return;
      case 4: // two halves that both reach one between them
        for (const a of others) for (const b of others) if (a < b && world.chance(0.5)) both(a, b);
        return;
      default:
        for (const a of ids) for (const b of ids) if (a !== b && world.chance(0.3)) network.cut(a, b);
    }
  }
}
