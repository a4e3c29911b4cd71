// The members of this cluster, as whoever looks after it sees them: listed, added, promoted, removed. Changes are proposed on the leader and made when they show in
// its configuration; the rules are Raft's (raft/membership.ts).
import { memberChangeLookMs, memberChangeTimeoutMs } from "../../shared/limits.ts";
import { type Clock, type Random, sleep } from "../../shared/util/clock.ts";
import { newId } from "./identity.ts";
import type { ConfState, MemberChange } from "./raft/membership.ts";
import { members, replacements } from "./raft/membership.ts";
import type { RaftView, ReplicaStatus } from "./replica_status.ts";
import { StoreError } from "./store.ts";

export interface MemberView {
  readonly id: number;
  /** Where other masters reach it, `host:port`; "" where nobody has said. */
  readonly address: string;
  readonly role: "leader" | "voter" | "learner";
  /** Entries that it lacks, and whether it answers: the leader's knowledge, absent elsewhere. */
  readonly lag?: number;
  readonly active?: boolean;
  /** Of the member that was asked: its disk is full (ReplicaStatus). */
  readonly diskFull?: true;
  /** The voter in whose place this learner comes, as soon as it has caught up. */
  readonly replaces?: number;
}
/** What a new member has to know to begin. */
export interface Admission {
  readonly clusterId: string;
  readonly clusterEpoch: string;
  readonly memberId: number;
}

/** What is needed of the replica. */
export interface Membership {
  readonly raft: RaftView;
  status(): Pick<ReplicaStatus, "clusterId" | "clusterEpoch" | "memberId" | "leaderId" | "diskFull" | "conf">;
  /** @throws StoreError NotLeader, Invalid; Overloaded: another change is under way */
  changeMembers(changes: readonly MemberChange[], options?: { force?: boolean }): void;
  subscribe(observer: () => void): () => void;
  isHeard(member: number): boolean;
}

export class Members {
  readonly #replica: Membership;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(replica: Membership, { clock, random }: { clock: Clock; random: Random }) {
    this.#replica = replica;
    this.#clock = clock;
    this.#random = random;
  }

  list(): MemberView[] {
    const { raft } = this.#replica, { conf, leaderId, memberId, diskFull } = this.#replica.status();
    return members(conf).map((id) => {
      const progress = raft.progressOf(id), role = id === leaderId ? "leader" : conf.learners.includes(id) ? "learner" : "voter";
      const known = progress && { lag: raft.lastIndex - progress.matchIndex, active: progress.active };
      const replaces = conf.replacing?.[id],
        is = { ...(replaces !== undefined && { replaces }), ...(diskFull && id === memberId && { diskFull }) };
      return { id, address: conf.addresses[id] ?? "", role, ...known, ...is };
    });
  }

  /** This member. */
  get self(): number {
    return this.#replica.status().memberId;
  }
  /** As the list has it; undefined while the configuration does not name it. */
  find(member: number): MemberView | undefined {
    return this.list().find(({ id }) => id === member);
  }

  /** 0 while nobody is known to lead. */
  get leaderId(): number {
    return this.#replica.status().leaderId;
  }
  isMember(id: number): boolean {
    return members(this.#replica.status().conf).includes(id);
  }
  /** False: this member leads, and that one is silent or no member. */
  isHeard(id: number): boolean {
    return this.#replica.isHeard(id);
  }
  /** Called when something has changed of who leads, who the members are, and who of them is heard. Must neither throw nor wait. */
  subscribe(observer: () => void): () => void {
    return this.#replica.subscribe(observer);
  }

  /**
   * As a learner: it gets the log and has no vote yet. Its id is new, and never comes back. @param replaces a voter, whose place it gets as soon as it has caught up,
   * whoever leads by then; it may be at the same address: a machine that has lost its disk. @throws StoreError
   */
  async add(address: string, { replaces }: { replaces?: number | undefined } = {}): Promise<Admission> {
    const memberId = newId(this.#random), { clusterId, clusterEpoch, conf } = this.#replica.status();
    if (replaces !== undefined && !conf.voters.includes(replaces)) {
      throw new StoreError("Invalid", `Cannot replace member ${replaces}: there is no voter of that id`);
    }
    const taken = members(conf).find((id) => conf.addresses[id] === address);
    if (taken !== undefined && taken !== replaces) {
      throw new StoreError(
        "Invalid",
        `Cannot add a master at ${address}: member ${taken} is there. If that one is gone, or has lost its data, replace it (--replaces ${taken})`,
      );
    }
    const change = { do: "addLearner" as const, member: memberId, address, ...(replaces !== undefined && { replaces }) };
    await this.#change([change], (now) => now.learners.includes(memberId));
    return { clusterId, clusterEpoch, memberId };
  }
  /** Waits for a learner that is about to catch up. @throws StoreError Invalid when it still lags too far behind, or is silent */
  async promote(member: number): Promise<void> {
    this.#mustBeThere("promote", member);
    const isVoter = (conf: ConfState) => conf.voters.includes(member) && conf.outgoing.length === 0;
    if (isVoter(this.#replica.status().conf)) return;
    const progress = () => this.#replica.raft.progressOf(member);
    if (!await this.#comesTrue(() => progress()?.caughtUp !== false)) {
      const { lag, active } = this.find(member) ?? {}, why = active ? `lacks ${lag} entries, or gets them too slowly` : "does not answer";
      throw new StoreError("Invalid", `Cannot promote member ${member} yet: it ${why}. \`member list\` shows how far it is`);
    }
    await this.#change([{ do: "promote", member }], isVoter);
  }
  /** @param force also when those who answer would be no majority of the rest */
  async remove(member: number, { force = false } = {}): Promise<void> {
    this.#mustBeThere("remove", member);
    if (this.#replica.status().conf.voters.every((voter) => voter === member)) {
      throw new StoreError("Invalid", `Cannot remove member ${member}: it is the only one with a vote`);
    }
    await this.#change([{ do: "remove", member }], (now) => now.removed.includes(member) && now.outgoing.length === 0, force);
  }
  /** Proposes what replacements are due, where this member leads. What cannot be yet is refused, and tried again the next time. @returns how many were proposed */
  replaceDue(): number {
    const { conf, memberId, leaderId } = this.#replica.status();
    if (memberId !== leaderId) return 0;
    let proposed = 0;
    for (const changes of replacements(conf)) {
      try {
        this.#replica.changeMembers(changes);
        proposed++;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
    return proposed;
  }
  /** Says where a member is to be found from now on. */
  async move(member: number, address: string): Promise<void> {
    await this.#change([{ do: "move", member, address }], (now) => now.addresses[member] === address);
  }

  #mustBeThere(verb: string, member: number): void {
    if (this.isMember(member)) return;
    throw new StoreError("Invalid", `Cannot ${verb} member ${member}: there is no member of that id; \`member list\` shows them`);
  }
  async #change(changes: readonly MemberChange[], isMade: (conf: ConfState) => boolean, force = false): Promise<void> {
    this.#replica.changeMembers(changes, { force });
    if (await this.#comesTrue(() => isMade(this.#replica.status().conf))) return;
    throw new StoreError("Unknown", "Cannot tell whether the members have changed: no majority answered; list them before trying again");
  }
  /** @returns false when it did not in time */
  async #comesTrue(holds: () => boolean): Promise<boolean> {
    for (const until = this.#clock.monotonic() + memberChangeTimeoutMs; !holds();) {
      if (this.#clock.monotonic() > until) return false;
      await sleep(this.#clock, memberChangeLookMs);
    }
    return true;
  }
}
