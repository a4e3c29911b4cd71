// One of the two connections over which a member is told things: called, called again when it breaks, and watched. While it is down, what should be sent is gone:
// Raft says it again, in words that are true by then.
import { peerBackoff, peerProbeTicks, peerRefusedBackoff, peerSocketBytes, raftTickMs } from "../../../shared/limits.ts";
import { nextDelay } from "../../../shared/util/backoff.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import { Wake } from "../../../shared/util/signal.ts";
import { Refused } from "./call.ts";
import type { Connection } from "./connection.ts";
import { type Frame, kind, ping, readPong, readReceived, unexpected } from "./frames.ts";
import { Outbox, type Parcel } from "./outbox.ts";
import { Watchdog } from "./watchdog.ts";

export interface LaneNeeds {
  readonly clock: Clock;
  readonly random: Random;
  /** Calls the member; `attempt` counts on, so that each of its addresses gets its turn. */
  call(attempt: number, signal: AbortSignal): Promise<Connection>;
  opened(connection: Connection): void;
  /** The connection is over, or could not be made. */
  failed(error: Error, was: "open" | "closed"): void;
  /** These were never sent. */
  dropped(parcels: readonly Parcel[]): void;
}

export class Lane {
  /** Of the last ping that was answered; undefined before that. */
  rttMs: number | undefined;
  bytesSent = 0;
  resets = 0;
  readonly #needs: LaneNeeds;
  readonly #outbox = new Outbox();
  readonly #stop = new AbortController();
  readonly #wake = new Wake();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  #watchdog = new Watchdog();
  #ping = { number: 0, sentMs: 0 };
  #waiting = false;
  #pumpDue = false;

  constructor(needs: LaneNeeds) {
    this.#needs = needs;
    this.#running = this.#run(this.#stop.signal);
  }

  get isOpen(): boolean {
    return this.#connection !== undefined;
  }
  get queued(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#outbox.messages, bytes: this.#outbox.bytes };
  }

  send(parcel: Parcel): void {
    if (!this.#connection) return this.#needs.dropped([parcel]);
    const gone = this.#outbox.push(parcel);
    if (gone.length > 0) this.#needs.dropped(gone);
    // At the end of this task, so that what comes together travels together.
    if (this.#pumpDue) return;
    this.#pumpDue = true;
    queueMicrotask(() => this.#pump());
  }

  /** The member has just shown that it is there: no reason to wait any longer. */
  hint(): void {
    if (this.#waiting) this.#wake.set();
  }

  tick(): void {
    const connection = this.#connection;
    if (!connection) return;
    const now = this.#needs.clock.monotonic();
    switch (this.#watchdog.tick()) {
      case "ping":
        this.#ping = { number: (this.#ping.number + 1) >>> 0, sentMs: now };
        return this.#write(connection, [ping(this.#ping.number)]);
      case "reset":
        this.resets++;
        return connection.close(new Error(`${this.#watchdog.outstanding} bytes were sent and nothing was heard since`));
    }
  }

  /** Lets what is queued leave, for as long as `flushMs`. */
  async close(flushMs: number): Promise<void> {
    const connection = this.#connection;
    this.#stop.abort(new Error("this master is stopping"));
    if (connection) {
      for (const { pieces } of this.#outbox.clear()) this.#write(connection, pieces);
      connection.end();
      const cancel = this.#needs.clock.after(flushMs, () => connection.close());
      await connection.closed;
      cancel();
    }
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#needs;
    let delayMs = 0;
    for (let attempt = 0; !signal.aborted; attempt++) {
      let backoff: typeof peerBackoff | typeof peerRefusedBackoff = peerBackoff;
      try {
        const connection = await this.#needs.call(attempt, signal), openedMs = clock.monotonic();
        this.#open(connection);
        const why = await connection.closed;
        // One that breaks at once is no success.
        if (clock.monotonic() - openedMs > peerProbeTicks * raftTickMs) delayMs = 0;
        this.#lost(why ?? new Error("the other side has closed the connection"));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) backoff = peerRefusedBackoff;
        this.#needs.failed(error as Error, "closed");
      }
      delayMs = nextDelay(backoff, delayMs, random);
      this.#waiting = true;
      await this.#wake.wait(clock, signal, delayMs);
      this.#waiting = false;
    }
  }

  #open(connection: Connection): void {
    this.#watchdog = new Watchdog();
    this.#watchdog.sent(connection.bytesSent); // the hello
    this.#connection = connection;
    this.#needs.opened(connection);
    connection.listen({ frame: (frame) => this.#hear(frame), drained: () => this.#pump() });
  }
  #lost(why: Error): void {
    this.#connection = undefined;
    this.#needs.dropped(this.#outbox.clear());
    if (!this.#stop.signal.aborted) this.#needs.failed(why, "open");
  }

  #hear(frame: Frame): void {
    if (frame.kind === kind.received) return this.#watchdog.received(readReceived(frame));
    if (frame.kind !== kind.pong) throw unexpected(frame);
    const { number, received } = readPong(frame);
    this.#watchdog.received(received);
    if (number === this.#ping.number) this.rttMs = this.#needs.clock.monotonic() - this.#ping.sentMs;
  }

  /** As much as keeps the socket busy. From here on a message counts as sent: it is never sent again. */
  #pump(): void {
    this.#pumpDue = false;
    const connection = this.#connection;
    if (!connection || connection.isOver) return; // what is queued has not left, and #lost() will say so
    for (;;) {
      const parcels = this.#outbox.take(peerSocketBytes - connection.pending);
      if (parcels.length === 0) return;
      this.#write(connection, parcels.flatMap(({ pieces }) => pieces));
    }
  }
  #write(connection: Connection, pieces: readonly Uint8Array[]): void {
    const before = connection.bytesSent;
    connection.send(pieces);
    this.#watchdog.sent(connection.bytesSent - before);
    this.bytesSent += connection.bytesSent - before;
  }
}
