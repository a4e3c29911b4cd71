// Sets on their way to one node, frozen: all parts of one rid come from one rendering, so a broken transfer goes on where it broke.
import { Buffer } from "node:buffer";
import { meteredPartBytes, nodeTransfers, putPartBytes, renderingKeptMs } from "../../shared/limits.ts";
import { encode } from "../../shared/wire/codec.ts";
import type { Put, SetOperation } from "../../shared/wire/messages.ts";

/** What every part of an answer says beside its piece. */
export type Heading = Pick<Put, "rid" | "epoch" | "gen" | "hash" | "kind" | "base">;
interface Transfer {
  readonly heading: Heading;
  readonly pieces: readonly string[];
  readonly expiresMs: number;
  /** On the present connection: the parts before this one are on their way, … */
  sentTo: number;
  /** … and this is the one that was asked for last. */
  asked: number;
}

export class Transfers {
  readonly #byRid = new Map<string, Transfer>();

  /** @param codecs what the node can read @param nowMs monotonic */
  freeze(heading: Heading, operations: readonly SetOperation[], codecs: readonly string[], metered: boolean, nowMs: number): void {
    if (this.#byRid.size >= nodeTransfers) this.#byRid.delete(this.#byRid.keys().next().value!);
    const bytes = encode(Buffer.from(JSON.stringify(operations)), codecs);
    // A multiple of three bytes: base64 of the pieces is base64 of the whole.
    const step = Math.floor((metered ? meteredPartBytes : putPartBytes) / 4) * 3, pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += step) pieces.push(Buffer.from(bytes.subarray(at, at + step)).toString("base64"));
    this.#byRid.set(heading.rid, { heading, pieces, expiresMs: nowMs + renderingKeptMs, sentTo: 0, asked: -1 });
  }
  /**
   * What to send now; undefined: that rid is not known (any more). What is on its way already is not sent again, unless it is asked for a second time.
   */
  parts(rid: string, from: number, window: number): Partial<Put>[] | undefined {
    const transfer = this.#byRid.get(rid);
    if (!transfer) return undefined;
    const { heading, pieces } = transfer, start = from === transfer.asked ? from : Math.max(from, transfer.sentTo), end = from + window;
    transfer.asked = from;
    transfer.sentTo = Math.max(transfer.sentTo, Math.min(end, pieces.length));
    return pieces.slice(start, end).map((body, index) => ({ ...heading, i: start + index, n: pieces.length, body }));
  }
  /** What was on its way is lost with the connection. */
  newSession(): void {
    for (const transfer of this.#byRid.values()) [transfer.sentTo, transfer.asked] = [0, -1];
  }
  /** The node has this set, or needs none of those that are too old. */
  drop(hash: string | undefined, nowMs: number): void {
    for (const [rid, { heading, expiresMs }] of this.#byRid) if (heading.hash === hash || expiresMs <= nowMs) this.#byRid.delete(rid);
  }
}
