// The link to one other member: what this master says to it. Two connections, so that a vote never waits behind a megabyte of entries; each is called, watched and
// repaired on its own, and neither says anything about the other. What that member says comes over connections that it makes itself (reception.ts).
import { peerCloseMs, peerFrameBytes } from "../../../shared/limits.ts";
import { assert } from "../../../shared/util/assert.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import type { Message, MessageOf } from "../raft/message.ts";
import { call, type Caller, Refused } from "./call.ts";
import type { Connection } from "./connection.ts";
import { fillHeader, frameHeaderBytes, kind } from "./frames.ts";
import type { Purpose } from "./handshake.ts";
import { Lane } from "./lane.ts";
import { encodeMessage } from "./message_codec.ts";
import type { Parcel } from "./outbox.ts";
import type { Troubles } from "./trouble.ts";

export interface LinkNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly troubles: Troubles;
  readonly caller: Caller;
  /** This proposal was certainly not sent. */
  unsent(proposal: MessageOf<"Propose">): void;
}

/** What a link has done since it was made. */
export interface LinkStatus {
  /** Both connections are there. */
  readonly connected: boolean;
  /** Milliseconds there and back, on the connection for what is urgent; undefined until it was measured. */
  readonly rttMs: number | undefined;
  readonly bytesSent: number;
  readonly messagesSent: number;
  /** Messages that were not sent: nobody was there, or the queue was full. */
  readonly dropped: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Connections cut because nothing was heard. */
  readonly resets: number;
  /** Connections made. */
  readonly connections: number;
  /** Times that the member, or what answers at its address, would not have us. */
  readonly refused: number;
}

export class PeerLink {
  readonly member: number;
  #addresses: readonly string[];
  readonly #needs: LinkNeeds;
  readonly #control: Lane;
  readonly #log: Lane;
  #messages = 0;
  #dropped = 0;
  #connections = 0;
  #refused = 0;

  constructor(needs: LinkNeeds, member: number, addresses: readonly string[]) {
    this.#needs = needs;
    this.member = member;
    this.#addresses = addresses;
    this.#control = this.#lane("control");
    this.#log = this.#lane("log");
  }

  /** Where it is tried next; a connection that stands, stays. */
  set addresses(addresses: readonly string[]) {
    if (addresses.join() !== this.#addresses.join()) this.hint();
    this.#addresses = addresses;
  }
  get addresses(): readonly string[] {
    return this.#addresses;
  }
  get status(): LinkStatus {
    const lanes = [this.#control, this.#log], sum = (of: (lane: Lane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
    return {
      connected: lanes.every((lane) => lane.isOpen),
      rttMs: this.#control.rttMs,
      bytesSent: sum((lane) => lane.bytesSent),
      messagesSent: this.#messages,
      dropped: this.#dropped,
      queuedMessages: sum((lane) => lane.queued.messages),
      queuedBytes: sum((lane) => lane.queued.bytes),
      resets: sum((lane) => lane.resets),
      connections: this.#connections,
      refused: this.#refused,
    };
  }

  send(message: Message): void {
    const lane = message.type === "Append" || message.type === "Propose" ? this.#log : this.#control;
    const proposal = message.type === "Propose" ? { proposal: message } : undefined;
    this.#messages++;
    if (!lane.isOpen) return this.#drop([{ pieces: [], bytes: 0, ...proposal }]);
    const pieces = encodeMessage(message, frameHeaderBytes), bytes = fillHeader(pieces, kind.message);
    assert(bytes <= peerFrameBytes, `a message (${message.type}) of ${bytes} bytes; the other side takes ${peerFrameBytes}`);
    lane.send({ pieces, bytes, ...proposal });
  }
  /** A connection to fetch a snapshot over. @throws like call() */
  callForSnapshot(attempt: number, signal: AbortSignal): Promise<Connection> {
    return this.#call("snapshot", attempt, signal);
  }

  tick(): void {
    this.#control.tick();
    this.#log.tick();
  }
  hint(): void {
    this.#control.hint();
    this.#log.hint();
  }
  async close(flushMs = peerCloseMs): Promise<void> {
    await Promise.all([this.#control.close(flushMs), this.#log.close(flushMs)]);
  }

  #lane(purpose: Purpose): Lane {
    const { clock, random, log, troubles } = this.#needs, member = this.member, key = (what: string) => `${member} ${purpose} ${what}`;
    return new Lane({
      clock,
      random,
      call: (attempt, signal) => this.#call(purpose, attempt, signal),
      opened: ({ remote }) => {
        this.#connections++;
        for (const what of ["failed", "refused"]) troubles.forget(key(what));
        log.info("Connected to a member", { member, purpose, address: remote });
      },
      failed: (error, was) => {
        const keys = { member, purpose, address: this.#addresses.join(" or "), error };
        if (was === "open") troubles.tell(key("lost"), "The connection to a member is lost; it is called again", keys);
        else if (error instanceof Refused) {
          this.#refused++;
          troubles.tell(key("refused"), "A member is called and refuses", keys);
        } else troubles.tell(key("failed"), "A member cannot be reached; it is called again and again", keys);
      },
      dropped: (parcels) => this.#drop(parcels),
    });
  }
  #call(purpose: Purpose, attempt: number, signal: AbortSignal): Promise<Connection> {
    const { clock, caller } = this.#needs, address = this.#addresses[attempt % this.#addresses.length]!;
    return call(clock, caller, { member: this.member, address, purpose }, signal);
  }
  #drop(parcels: readonly Parcel[]): void {
    this.#dropped += parcels.length;
    this.#messages -= parcels.length;
    for (const { proposal } of parcels) if (proposal) this.#needs.unsent(proposal);
  }
}
