// The simplest state machine: the list of what was applied.
import { Buffer } from "node:buffer";
import type { Entry, StateMachine } from "../../master/store/machine.ts";

export class ListMachine implements StateMachine {
  items: string[] = [];
  times: number[] = [];
  lastIndex = 0;
  restored = 0;

  keep(payload: Uint8Array): Uint8Array {
    return payload;
  }
  apply(entry: Entry): number {
    if (entry.index <= this.lastIndex) throw new Error(`entry ${entry.index} applied after ${this.lastIndex}`);
    this.lastIndex = entry.index;
    if (entry.payload.length === 0) return 0;
    this.times.push(entry.time);
    return this.items.push(Buffer.from(entry.payload).toString());
  }
  snapshot() {
    const bytes = Buffer.from(JSON.stringify({ items: this.items, times: this.times, lastIndex: this.lastIndex }));
    return { revision: this.items.length, compactRevision: 0, bytes: pieces(bytes, 1000) };
  }
  async restore(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part.slice());
    const state = JSON.parse(Buffer.concat(parts).toString());
    this.items = state.items;
    this.times = state.times;
    this.lastIndex = state.lastIndex;
    this.restored++;
  }
}

function* pieces(bytes: Uint8Array, length: number): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
