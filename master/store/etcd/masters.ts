// Which masters there are, which of them are heard, and who leads: what their notes in etcd say. Raft's part for a store that is not ours.
//
//   member.<id>   a master of this cluster; the note goes when the master has been gone for a day
//   alive.<id>    it runs: the note goes within seconds when it does not
//   leader        its value is the leader's id, its create revision the term
import type { KeyValue } from "../store.ts";
import type { Happening } from "./feed.ts";

export class Masters {
  readonly self: number;
  /** Differs from that of a master which has been started with a copy of our data directory. */
  readonly life: string;
  /** 0 = nobody leads, as far as we know. */
  leaderId = 0;
  /** Of the newest leader that we know of. */
  term = 0;
  readonly #members = new Set<number>();
  readonly #alive = new Set<number>();
  readonly #observers = new Set<() => void>();

  constructor(self: number, life: string) {
    this.self = self;
    this.life = life;
  }

  /** In order. */
  get members(): number[] {
    return [...this.#members].sort((a, b) => a - b);
  }
  isMember(id: number): boolean {
    return id === this.self || this.#members.has(id);
  }
  /** False: this master leads, and that one is silent or no member. Who does not lead does not judge, and says true. */
  isHeard(id: number): boolean {
    return this.leaderId !== this.self || id === this.self || this.#alive.has(id);
  }
  isAlive(id: number): boolean {
    return this.#alive.has(id);
  }
  /** Called when any of this has changed. Must neither throw nor wait. */
  subscribe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** @returns false when another process has taken this master's id */
  noted({ note, type, current }: Happening, revision: number): boolean {
    const isThere = type === "put";
    if (note?.name === "leader") this.#led(isThere ? current : undefined, revision);
    const set = note?.name === "member" ? this.#members : note?.name === "alive" ? this.#alive : undefined;
    if (set && isThere) set.add(note!.id);
    else set?.delete(note!.id);
    this.#tell();
    return !(note?.name === "alive" && note.id === this.self && isThere && text(current) !== this.life);
  }

  /** What a transaction has shown before the feed does. @param leader undefined: nobody leads */
  found(leader: { readonly id: number; readonly term: number } | undefined): void {
    this.leaderId = leader?.id ?? 0;
    if (leader) this.term = leader.term;
    this.#tell();
  }

  #led(note: KeyValue | undefined, revision: number): void {
    if (revision < this.term) return; // of a term before, which we know to be over
    this.leaderId = note ? Number(text(note)) : 0;
    if (note) this.term = note.createRevision;
  }
  #tell(): void {
    for (const observer of this.#observers) observer();
  }
}

const text = ({ value }: KeyValue): string => new TextDecoder().decode(value);
