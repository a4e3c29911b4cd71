// Events on their way to the master: a ring. When the link is down for a month the oldest make room, and how many is told exactly.
import { eventsInMessage, eventsKept, reportRepeatMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Cumulative, Events, NodeEvent } from "../../shared/wire/messages.ts";

export class EventRing {
  readonly #clock: Clock;
  readonly #send: (message: Events) => void;
  #waiting: NodeEvent[] = [];
  /** Events of `#waiting` that the message `#seq` carries, from the front. */
  #sent = 0;
  #dropped = 0;
  #droppedSent = 0;
  #seq = 0;
  #session: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, send: (message: Events) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(event: NodeEvent): void {
    const last = this.#waiting.at(-1);
    // The same again: counted, not repeated, as long as it has not been told.
    if (
      last && this.#waiting.length > this.#sent && last.uid === event.uid && last.reason === event.reason && last.message === event.message
    ) {
      this.#waiting[this.#waiting.length - 1] = { ...last, at: event.at, count: last.count + 1 };
    } else {
      if (this.#waiting.length >= eventsKept) {
        this.#waiting.shift();
        this.#dropped++;
        if (this.#sent > 0) this.#sent--;
      }
      this.#waiting.push(event);
    }
    if (this.#sent === 0) this.#flush();
  }

  connected(session: number): void {
    this.#session = session;
    this.#seq = 0;
    this.#sent = 0;
    this.#flush();
  }
  disconnected(): void {
    this.#session = undefined;
    this.#cancel?.();
  }
  cumulative({ evSeq }: Cumulative): void {
    if (evSeq === undefined || evSeq !== this.#seq || this.#sent === 0) return;
    this.#cancel?.();
    this.#waiting.splice(0, this.#sent);
    this.#dropped -= this.#droppedSent;
    this.#sent = this.#droppedSent = 0;
    this.#flush();
  }

  /** One message at a time; the next goes when it is acknowledged. */
  #flush(): void {
    if (this.#session === undefined || this.#waiting.length === 0) return;
    const events = this.#waiting.slice(0, eventsInMessage);
    this.#sent = events.length;
    this.#droppedSent = this.#dropped;
    this.#send({ sess: this.#session, seq: ++this.#seq, events, dropped: this.#dropped });
    this.#cancel?.();
    this.#cancel = this.#clock.after(reportRepeatMs, () => this.#flush());
  }
}
