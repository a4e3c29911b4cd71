// Whom a member has heard lately, from what Raft knows anyway: every member whether there is a leader, and the leader which of the others answer. Raft asks anew
// each election timeout whether a majority answers; here somebody counts as gone only when he has been silent for two of them.
import { members } from "./raft/membership.ts";
import type { RaftView } from "./replica_status.ts";

export class Reach {
  readonly #patienceMs: number;
  /** Monotonic ms. Of members that this leader knows. */
  readonly #heardAt = new Map<number, number>();
  #seen = "";
  #silent: ReadonlySet<number> = new Set();

  /** @param electionMs an election timeout */
  constructor(electionMs: number) {
    this.#patienceMs = 2 * electionMs;
  }

  /** Called again and again. @returns whether something has changed: who leads, who the members are, or who of them is heard */
  look(raft: Pick<RaftView, "id" | "role" | "leader" | "conf" | "progressOf">, nowMs: number): boolean {
    const { id, role, leader, conf } = raft;
    const silent = new Set<number>();
    if (role !== "leader") this.#heardAt.clear();
    else {
      for (const member of members(conf)) {
        if (member === id || raft.progressOf(member)?.active || !this.#heardAt.has(member)) this.#heardAt.set(member, nowMs);
        else if (nowMs - this.#heardAt.get(member)! > this.#patienceMs) silent.add(member);
      }
    }
    this.#silent = silent;
    const seen = JSON.stringify([leader, conf, [...silent]]), changed = seen !== this.#seen;
    this.#seen = seen;
    return changed;
  }

  /** False: this member leads and that one is silent, or no member. Who does not lead does not know better and says true. */
  isHeard(member: number, { role, conf }: Pick<RaftView, "role" | "conf">): boolean {
    return role !== "leader" || (members(conf).includes(member) && !this.#silent.has(member));
  }
}
