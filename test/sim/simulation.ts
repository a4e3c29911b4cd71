// One run: a cluster is born, lives under trouble while clients use it, is left in peace, and must then come to rest as one. From the seed comes everything: how
// many members, the sizes of things, which troubles, and every moment at which something happens.
import "./signals.ts";
import type { ConfState } from "../../master/store/raft/membership.ts";
import { committedOf } from "../history/committed.ts";
import { checkHistory } from "../history/linearize.ts";
import { Recorder } from "../history/recorder.ts";
import { Clients } from "./clients.ts";
import { Faults, type Operator, type Trouble } from "./faults.ts";
import { Judge } from "./judge.ts";
import { SimMember, type Sizes } from "./member.ts";
import { SimNetwork } from "./network.ts";
import { Staff } from "./staff.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface RunOptions {
  /** Virtual milliseconds of trouble; drawn from the seed if not said. */
  readonly troubleMs?: number;
}
export interface RunReport {
  readonly seed: number;
  readonly members: number;
  readonly troubles: readonly Trouble[];
  /** Virtual milliseconds, and events. */
  readonly ms: number;
  readonly steps: number;
  /** Of the whole run: the same on every runtime. */
  readonly hash: number;
  readonly terms: number;
  readonly entries: number;
  readonly calls: number;
  readonly answered: number;
  /** What was wrong, or nothing. */
  readonly violations: readonly string[];
}

/** Milliseconds in which a cluster without trouble must be well again: some elections, and a snapshot for whoever lags. */
const recoveryMs = 60_000;
/** Milliseconds for which clients go on when nothing is in their way any more. */
const calmMs = 5_000;

export async function simulate(seed: number, options: RunOptions = {}): Promise<RunReport> {
  const simulation = new Simulation(seed, options);
  const violations: string[] = [];
  try {
    await simulation.run();
    violations.push(...simulation.checkHistories());
  } catch (error) {
    violations.push(error instanceof Violation ? error.message : `${error instanceof Error ? error.stack : error}`);
  }
  simulation.end();
  return simulation.report(violations);
}

class Simulation implements Operator {
  readonly members: SimMember[] = [];
  readonly #world: World;
  readonly #network: SimNetwork;
  readonly #judge: Judge;
  readonly #recorder = new Recorder();
  readonly #clients: Clients;
  readonly #faults: Faults;
  /** Of a member that begins: all alike, or each as it likes. */
  readonly #sizes: () => Sizes;
  readonly #begun: number;
  readonly #troubleMs: number;
  /** Switched off. */
  readonly #away = new Set<SimMember>();
  readonly #staff: Staff;
  #resting = false;

  constructor(seed: number, { troubleMs }: RunOptions) {
    const world = this.#world = new World(seed);
    this.#network = new SimNetwork(world);
    this.#judge = new Judge(world, () => this.members, () => this.#recorder.now());
    this.#begun = world.pick([1, 2, 3, 3, 3, 5, 5, 5]);
    const staff = { world, members: this.members, add: (id: number) => void this.#add(id), leader: () => this.#leader };
    this.#staff = new Staff(staff, this.#begun + 1);
    this.#faults = new Faults(world, this.#network, this);
    const draw = (): Sizes => drawSizes(world, this.#faults.kinds), sizes = draw(), areMixed = world.chance(0.2);
    this.#sizes = () => areMixed ? draw() : sizes;
    const ids = Array.from({ length: this.#begun }, (_, at) => at + 1);
    const conf: ConfState = { voters: ids, outgoing: [], learners: [], removed: [], addresses: {} };
    for (const id of ids) this.#add(id, conf);
    this.#clients = new Clients(world, this.#recorder, () => this.members);
    this.#clients.renewsLate = () => this.#faults.renewsLate();
    this.#judge.elected = (id) => this.#faults.elected(id);
    this.#judge.changing = (conf) => this.#faults.splits(conf);
    this.#troubleMs = troubleMs ?? world.between(5_000, 40_000);
    this.#network.tap = (message) => this.#judge.sent(message, this.members.find(({ id }) => id === message.from));
    world.observe = () => this.#judge.look();
  }

  #add(id: number, conf?: ConfState): SimMember {
    const member = new SimMember(this.#world, this.#network, this.#judge, this.#sizes(), id, conf);
    this.members.push(member);
    member.disk.renamed = (path) => this.#faults.renames(member, path);
    void this.#keepRunning(member);
    return member;
  }
  /** As a service manager does: whoever ends is started again, unless it says that it must not be. */
  async #keepRunning(member: SimMember): Promise<void> {
    while (!member.refusal && this.members.includes(member)) {
      void member.start().then(() => this.#opens(member));
      await member.life!.ended; // also of one that ends while it starts
      do await this.#world.sleep(this.#resting ? 100 : this.#world.between(1, 4_000)); while (this.#away.has(member));
    }
  }

  /** Somebody has been waiting at the door; and what waited for the process before comes to this one. */
  #opens(member: SimMember): void {
    if (!member.store) return;
    this.#network.release(member.id);
    if (this.#world.chance(0.8)) this.#clients.enter(member);
    this.#faults.opens(member);
  }

  restart(member: SimMember, how: "kill" | "cutPower" | "stop"): void {
    void member[how]();
  }
  crowd(member: SimMember): void {
    this.#clients.crowd(member);
  }
  visit(member: SimMember): void {
    this.#clients.enter(member);
  }
  changeMembers(): void {
    this.#staff.act();
  }

  async run(): Promise<void> {
    const world = this.#world;
    await world.run(3_000);
    this.#clients.start(2 + world.whole(4), 1 + world.whole(3));
    this.#faults.start();
    await world.run(this.#troubleMs);
    this.#faults.stop();
    this.#resting = true;
    await this.#doWithout(world.chance(0.3) ? this.#faults.spare : []);
    await world.run(calmMs);
    await world.run(recoveryMs, () => this.#leader !== undefined);
    this.#clients.writing = false;
    await this.#comeToRest();
    await this.#growOn();
    this.#clients.stop();
    await world.run(100);
  }

  async #comeToRest(): Promise<void> {
    const until = this.#world.now + recoveryMs;
    const isAtRest = (): boolean => {
      this.#staff.retire(true); // also whose going was not certain until now
      return this.#isAtRest();
    };
    while (this.#world.now < until) {
      this.#staff.finish();
      if (await this.#world.run(1_000, isAtRest)) return;
    }
    throw new Violation(`without trouble, the cluster has not come to rest: ${this.#picture()}`);
  }
  /** Some more writes, one by one: then everybody has taken its snapshots, also who got much at once, and the logs are short. Where disks were full they wait. */
  async #growOn(): Promise<void> {
    const { kinds } = this.#faults, most = Math.max(...this.members.map(({ sizes }) => sizes.snapshotEntries));
    if (kinds.has("fullDisks") || kinds.has("floods") || most > 5) return;
    let isDone = false;
    void this.#clients.writeOn(10 + 6 * most).then(() => isDone = true);
    await this.#world.run(recoveryMs, () => isDone);
    await this.#comeToRest();
    this.#judge.logsAreShort();
  }

  /** A majority is enough, whoever it is. */
  async #doWithout(some: readonly SimMember[]): Promise<void> {
    if (some.length === 0) return;
    for (const member of some) {
      this.#away.add(member);
      member.kill();
    }
    if (!await this.#world.run(recoveryMs, () => this.#leader !== undefined)) {
      throw new Violation(`without ${some.map(({ id }) => id)}, the others find no leader: ${this.#picture()}`);
    }
    this.#away.clear();
  }
  get #leader(): SimMember | undefined {
    return this.members.find(({ replica }) => replica?.raft.isEstablished);
  }

  /** One leader, everybody who is a member holds everything and has applied it, no disk is held to be full, nobody waits for an answer, every watch has told all. */
  #isAtRest(): boolean {
    const leader = this.#leader;
    if (!leader || this.#clients.pending > 0) return false;
    const { conf, lastIndex, term } = leader.replica!.raft;
    if (conf.outgoing.length > 0) return false;
    for (const id of [...conf.voters, ...conf.learners]) {
      const member = this.members.find((one) => one.id === id);
      if (member?.refusal) continue; // it has said why; those that are left go on without it
      if (!member && conf.learners.includes(id)) continue; // its machine went before the change was made that was to bring it in
      const raft = member?.replica?.raft;
      if (member?.replica?.status().diskFull) return false;
      if (!raft || raft.appliedIndex !== lastIndex || raft.lastIndex !== lastIndex || raft.term !== term || raft.leader !== leader.id) {
        return false;
      }
    }
    return this.#clients.areAt(leader.life!.state.mvcc.revision);
  }
  #picture(): string {
    const members = this.members.map(({ id, replica, refusal }) => {
      if (!replica) return `${id}: ${refusal?.message ?? "down"}`;
      const { role, term, leader, firstIndex, lastIndex, commitIndex, appliedIndex } = replica.raft;
      return `${id}: ${role} term ${term} leader ${leader} ${firstIndex}…${lastIndex} commit ${commitIndex} applied ${appliedIndex}${
        replica.status().diskFull ? ", its disk is full" : ""
      }`;
    });
    const conf = this.members.find(({ replica }) => replica?.raft.role === "leader")?.replica?.raft.conf;
    return `${members.join("; ")}; ${this.#clients.pending} calls wait; ${JSON.stringify(conf)}`;
  }

  end(): void {
    this.#clients.stop();
    for (const member of this.members.splice(0)) member.kill();
  }
  checkHistories(): string[] {
    const { committed, compactions } = committedOf(this.#judge.committed);
    const revision = committed.at(-1)?.revision ?? 1;
    return checkHistory(this.#recorder.history(), { committed, compactions, caughtUp: revision });
  }

  report(violations: readonly string[]): RunReport {
    const { seed, now, steps, hash } = this.#world, { calls } = this.#recorder.history();
    return {
      seed,
      members: this.#begun,
      troubles: [...this.#faults.kinds],
      ms: Math.round(now),
      steps,
      hash,
      terms: this.#judge.terms,
      entries: this.#judge.committed.length,
      calls: calls.length,
      answered: calls.filter(({ outcome }) => outcome.is === "done").length,
      violations,
    };
  }
}

/** The least of each makes rare what is usual, and usual what is rare: one batch a segment, a snapshot for each entry, one entry a message. */
const drawSizes = (world: World, troubles: ReadonlySet<Trouble>): Sizes => ({
  // What is held in reserve for a full disk is one segment, and with the real sizes every batch fits into one.
  segmentBytes: world.pick(troubles.has("floods") ? [16_384, 65_536] : [5_000, 8_192, 16_384, 65_536]),
  snapshotEntries: world.pick([1, 5, 20, 100, 1_000]),
  catchUpEntries: world.pick([1, 5, 50]),
  electionTicks: world.pick([2, 3, 10]),
  appendBytes: world.pick([1, 500, 1_000_000]),
  watchEvents: world.pick([1, 3, 1_000]),
});
