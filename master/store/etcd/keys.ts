// Where our keys lie in etcd. A cluster has a prefix of its own there, such as /skerry, so that several can share one etcd:
//
//   /skerry/r/core/pods/default/web   the store's key /r/core/pods/default/web: every key of the store begins with a slash
//   /skerry.cluster, /skerry.alive.7  what the adapter itself notes; not part of the store
//
// "." is the byte before "/", so that one range holds both, and nothing of /skerry2: a prefix has no dots.
import { Buffer } from "node:buffer";

/** Notes of the adapter: whose the prefix is; how far time and compaction are; who leads; and of each master that it is one, and that it runs. */
const notes = ["cluster", "mark", "leader", "member", "alive"] as const;
export interface Note {
  readonly name: (typeof notes)[number];
  /** Of a master; 0: the note is of none. */
  readonly id: number;
}

export interface KeyRange {
  readonly key: Uint8Array;
  /** First key behind the range. */
  readonly rangeEnd: Uint8Array;
}

export class Keys {
  readonly prefix: string;
  /** @param prefix `/` and words, as config.ts checks */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  ofKey(key: string): Uint8Array {
    return Buffer.from(this.prefix + key);
  }
  /** The store's key, or undefined for a note. */
  keyOf(bytes: Uint8Array): string | undefined {
    const key = this.#text(bytes);
    return key.startsWith("/") ? key : undefined;
  }
  ofNote(name: Note["name"], id?: number): Uint8Array {
    return Buffer.from(`${this.prefix}.${name}${id === undefined ? "" : `.${id}`}`);
  }
  noteOf(bytes: Uint8Array): Note | undefined {
    const [, word, id = "0"] = /^\.([a-z]+)(?:\.(\d+))?$/.exec(this.#text(bytes)) ?? [];
    const name = notes.find((note) => note === word);
    return name && { name, id: Number(id) };
  }

  /** Keys under a prefix of the store, behind `after` if that is given. */
  rangeOf(prefix: string, after?: string): KeyRange {
    const all = this.ofKey(prefix === "" ? "/" : prefix);
    const from = after !== undefined && after >= prefix ? Buffer.concat([this.ofKey(after), Buffer.of(0)]) : all;
    return { key: from, rangeEnd: behind(all) };
  }
  notes(): KeyRange {
    return { key: Buffer.from(`${this.prefix}.`), rangeEnd: Buffer.from(`${this.prefix}/`) };
  }
  /** Everything of this cluster, notes too. */
  everything(): KeyRange {
    return { key: Buffer.from(`${this.prefix}.`), rangeEnd: behind(Buffer.from(`${this.prefix}/`)) };
  }

  #text(bytes: Uint8Array): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8").slice(this.prefix.length);
  }
}

/** The first key behind all that begin with these bytes. UTF-8 has no 0xff, so the last byte can always be counted up. */
function behind(prefix: Uint8Array): Uint8Array {
  const end = Buffer.from(prefix);
  end[end.length - 1]!++;
  return end;
}
