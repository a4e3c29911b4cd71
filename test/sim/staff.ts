// Who looks after the members: adds, promotes, removes and replaces them, switches off the machines of those who are none any more. As hasty as such people are.
import { type ConfState, isJoint, type MemberChange, members, replacements } from "../../master/store/raft/membership.ts";
import type { Replica } from "../../master/store/replica.ts";
import type { SimMember } from "./member.ts";
import type { World } from "./world.ts";

interface Needs {
  readonly world: World;
  /** Changed in place. */
  readonly members: SimMember[];
  /** Plugs in a machine that knows nothing yet. */
  add(id: number): void;
  leader(): SimMember | undefined;
}

export class Staff {
  readonly #needs: Needs;
  #nextId: number;

  constructor(needs: Needs, nextId: number) {
    this.#needs = needs;
    this.#nextId = nextId;
  }

  /** One step, whatever it is; where one of the machines is lost, its replacement comes first. */
  act(): void {
    const { world } = this.#needs, leader = this.#needs.leader()?.replica;
    if (!leader) return;
    this.retire();
    try {
      if (this.#replace(leader)) return;
      if (world.chance(0.4)) this.#lose(leader);
      else this.#change(leader);
    } catch {
      // Not now.
    }
  }
  /** What has been begun comes to its end. */
  finish(): void {
    const leader = this.#needs.leader()?.replica;
    try {
      if (leader) this.#replace(leader);
    } catch {
      // Not yet.
    }
  }

  #change(leader: Replica): void {
    const { world } = this.#needs, { voters, learners } = leader.raft.conf;
    const others = voters.filter((id) => id !== leader.raft.id || world.chance(0.2));
    let change: MemberChange | undefined;
    if (learners.length === 0 && voters.length < 6) change = { do: "addLearner", member: this.#nextId };
    else if (learners.length > 0) change = { do: world.chance(0.85) ? "promote" : "remove", member: world.pick(learners) };
    const changes = change ? [change] : [];
    // Replacing somebody is one step: one comes, one goes.
    if (voters.length > 1 && others.length > 0 && (voters.length > 4 || (change?.do === "promote" && world.chance(0.5)))) {
      changes.push({ do: "remove", member: world.pick(others) });
    }
    if (changes.length > 0) leader.changeMembers(changes);
    if (change?.do === "addLearner") this.#needs.add(this.#nextId++);
    // Some cannot wait.
    if (world.chance(0.7)) return;
    if (voters.length > 3 && world.chance(0.5)) return leader.changeMembers([{ do: "remove", member: world.pick(others) }]);
    leader.changeMembers([{ do: "addLearner", member: this.#nextId }]);
    this.#needs.add(this.#nextId++);
  }

  /** A machine burns down with its disk, while all that a majority needs is there without it. */
  #lose({ raft: { conf, id } }: Replica): void {
    const { world, members } = this.#needs, others = conf.voters.filter((voter) => voter !== id);
    if (isJoint(conf) || conf.voters.length < 3 || this.#lost(conf).length > 0) return;
    const victim = world.pick(others), member = members.find(({ id }) => id === victim);
    if (member) this.#switchOff(member);
  }
  #lost({ voters }: ConfState): number[] {
    return voters.filter((id) => !this.#needs.members.some((member) => member.id === id));
  }
  /** As `member add --replaces` and the leading master do. @returns whether anybody is to be replaced, or was just. @throws StoreError */
  #replace(leader: Replica): boolean {
    const { conf } = leader.raft, [lost] = this.#lost(conf), [due] = replacements(conf);
    if (due) leader.changeMembers(due);
    else if (lost !== undefined && !isJoint(conf)) {
      leader.changeMembers([{ do: "addLearner", member: this.#nextId, replaces: lost }]);
      this.#needs.add(this.#nextId++);
    }
    return lost !== undefined;
  }

  /** Whoever is no member any more is switched off by hand: at some time, as far as Raft is concerned. At last also who was to become one, and did not. */
  retire(atLast = false): void {
    const conf = this.#needs.leader()?.replica?.raft.conf;
    if (!conf || isJoint(conf)) return; // until the change is made, whoever goes has a say in it
    if (atLast && this.#lost(conf).length > 0) return; // who is to replace somebody may not be known to all yet
    for (const member of [...this.#needs.members]) {
      const isGone = conf.removed.includes(member.id) || (atLast && !members(conf).includes(member.id));
      if (isGone && (atLast || this.#needs.world.chance(0.3))) this.#switchOff(member);
    }
  }
  #switchOff(member: SimMember): void {
    const { members } = this.#needs;
    members.splice(members.indexOf(member), 1);
    member.kill();
  }
}
