// Events on their way to the master: a ring. When the link is down for a month the oldest make room, and how many is told exactly.
import { eventInterval, eventSeries, eventSeriesMs, eventsInMessage, eventsKept, reportRepeatMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Cumulative, Events, NodeEvent } from "../../shared/wire/messages.ts";

/** Events that are the same but for their time. ms since 1970. */
interface Series {
  readonly first: number;
  last: number;
  count: number;
  tellAt: number;
  intervalMs: number;
}
const keyOf = ({ uid, type, reason, message }: NodeEvent): string => `${uid} ${type} ${reason} ${message}`;

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
  readonly #series = new Map<string, Series>();

  constructor(clock: Clock, send: (message: Events) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** The same again within a while is counted, and told at growing intervals: a probe that fails every two seconds is one Event whose count grows. */
  add(event: NodeEvent): void {
    const series = this.#seriesOf(event);
    if (event.at < series.tellAt) return;
    series.intervalMs = Math.min(eventInterval.capMs, series.intervalMs * 2);
    series.tellAt = event.at + series.intervalMs;
    const told = { ...event, count: series.count, first: series.first };
    const waiting = this.#waiting.findIndex((other, index) =>
      index >= this.#sent && other.first === told.first && keyOf(other) === keyOf(told)
    );
    if (waiting >= 0) this.#waiting[waiting] = told;
    else {
      if (this.#waiting.length >= eventsKept) {
        this.#waiting.shift();
        this.#dropped++;
        if (this.#sent > 0) this.#sent--;
      }
      this.#waiting.push(told);
    }
    if (this.#sent === 0) this.#flush();
  }

  #seriesOf(event: NodeEvent): Series {
    const key = keyOf(event), known = this.#series.get(key);
    this.#series.delete(key); // the newest stand last
    const goesOn = known !== undefined && event.at - known.last < eventSeriesMs && event.at >= known.first;
    const series = goesOn ? known : { first: event.at, last: event.at, count: 0, tellAt: event.at, intervalMs: eventInterval.baseMs / 2 };
    series.count += event.count;
    series.last = event.at;
    this.#series.set(key, series);
    if (this.#series.size > eventSeries) this.#series.delete(this.#series.keys().next().value!);
    return series;
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
