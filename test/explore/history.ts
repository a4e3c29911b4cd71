// What has happened once and is not to be seen in a state any more, but must hold for ever: who led which term, and what was committed (Raft Fig. 3). Part of every
// state, together with how many crashes and ticks there have been.
import { hashesOf } from "./hashes.ts";
import { type Facts, renamings } from "./members.ts";

export interface Committed {
  readonly term: number;
  /** The term in which it was committed: who is elected in a later one must have it. */
  readonly inTerm: number;
}
export interface History {
  /** By term - 1; 0 = nobody yet. */
  readonly leaders: readonly number[];
  readonly committed: readonly Committed[];
  readonly crashes: number;
  readonly ticks: number;
}

export class Histories {
  readonly all: History[] = [];
  /** By number; see hashesOf(), with every dealing of the ids. */
  readonly hashes: Int32Array[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #counted = new Map<number, number>();

  /** The same after one crash more, or one tick. */
  counted(number: number, isCrash: boolean): number {
    const key = number * 2 + (isCrash ? 1 : 0);
    let after = this.#counted.get(key);
    if (after === undefined) {
      const history = this.all[number]!;
      after = this.number({ ...history, crashes: history.crashes + (isCrash ? 1 : 0), ticks: history.ticks + (isCrash ? 0 : 1) });
      this.#counted.set(key, after);
    }
    return after;
  }

  number(history: History): number {
    const { leaders, committed, crashes, ticks } = history;
    const textOf = (names: readonly number[]) => `${names}|${committed.map(({ term, inTerm }) => `${term}@${inTerm}`)}|${crashes}|${ticks}`;
    const text = textOf(leaders), known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.all.push(history) - 1;
    this.#numbers.set(text, number);
    this.hashes.push(hashesOf(renamings.map((renaming) => textOf(leaders.map((id) => id === 0 ? 0 : renaming(id))))));
    return number;
  }
}

/** The history after a member has become what it is. @throws Broken */
export function witnessed(history: History, now: Facts, all: readonly Facts[]): History {
  let { leaders, committed } = history;
  const { id, term, role, log, commit } = now;
  if (role === "leader") {
    const other = leaders[term - 1] ?? 0;
    if (other !== 0 && other !== id) throw new Broken(`election safety: ${other} and ${id} both lead term ${term}`);
    if (other === 0) {
      const voters = all.filter(({ diskTerm, diskVote }) => diskTerm > term || (diskTerm === term && diskVote === id));
      if (voters.length * 2 <= all.length) throw new Broken(`${id} leads term ${term} by the votes of ${voters.map((each) => each.id)}`);
      leaders = Array.from({ length: Math.max(leaders.length, term) }, (_, at) => at === term - 1 ? id : leaders[at] ?? 0);
      committed.forEach((entry, at) => {
        if (entry.inTerm < term && log[at] !== entry.term) {
          throw new Broken(`leader completeness: ${id} leads term ${term} without ${at + 1}@${entry.term}`);
        }
      });
    }
  }
  for (let at = 0; at < Math.min(commit, committed.length); at++) {
    if (log[at] !== committed[at]!.term) {
      throw new Broken(`state machine safety: ${id} commits ${at + 1}@${log[at]}, and it was ${at + 1}@${committed[at]!.term}`);
    }
  }
  if (commit > committed.length) {
    const holders = all.filter(({ disk }) => log.slice(0, commit).every((entryTerm, at) => disk[at] === entryTerm));
    if (holders.length * 2 <= all.length) {
      throw new Broken(
        `${id} commits ${commit}@${log[commit - 1]}, and the disks that have it are no majority: ${holders.map((each) => each.id)}`,
      );
    }
    if (log[commit - 1] !== term) throw new Broken(`${id} commits ${commit}@${log[commit - 1]} in term ${term} (Raft §5.4.2)`);
    committed = [...committed, ...log.slice(committed.length, commit).map((entryTerm) => ({ term: entryTerm, inTerm: term }))];
  }
  return leaders === history.leaders && committed === history.committed ? history : { ...history, leaders, committed };
}

/** What must hold between members in every state. @throws Broken */
export function mustFit(all: readonly Facts[], { committed }: History): void {
  for (const a of all) {
    for (const b of all) {
      if (a.id >= b.id) continue;
      for (let at = Math.min(a.log.length, b.log.length) - 1, same = false; at >= 0; at--) {
        same ||= a.log[at] === b.log[at];
        if (same && a.log[at] !== b.log[at]) throw new Broken(`log matching: ${a.id} has ${a.log}, ${b.id} has ${b.log}`);
      }
    }
  }
  const holders = all.filter(({ disk }) => committed.every(({ term }, at) => disk[at] === term));
  if (holders.length * 2 <= all.length) throw new Broken(`what was committed is on the disks of ${holders.map(({ id }) => id)} only`);
}

export class Broken extends Error {
  override name = "Broken";
}
