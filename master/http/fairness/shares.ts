// Who is next? So many requests run at a time; who comes above that waits, each user in a queue of their own, and the place that becomes free is given to the
// user who has had the least of the server's time. What a request takes is charged when it begins by a guess, and put right when it ends (start-time fair
// queueing; Kubernetes' API priority and fairness does the same between its queues). A user who comes back after a rest begins where the others are: rest is not saved.
// Pure: no clock, no timers. Whoever calls says how long something took.

export interface Bounds {
  /** Of all users together. A wide request takes several. */
  readonly seats: number;
  /** Of one user: the rest stays free for who comes next. */
  readonly seatsPerUser: number;
  /** Requests of one user that wait. */
  readonly queued: number;
  /** Requests that wait, of all users together. */
  readonly queuedInAll: number;
}
export interface Ticket {
  readonly user: string;
  /** Seats that it takes. */
  readonly width: number;
  readonly begin: () => void;
  state: "waiting" | "running" | "over";
}
interface Flow {
  readonly user: string;
  readonly waiting: Ticket[];
  /** Seats taken. */
  running: number;
  /** Milliseconds of seats that were had, on the users' common scale. */
  had: number;
}

/** What a request is taken to cost until it has ended, ms: about what a write takes. */
const guessMs = 5;

export class Shares {
  readonly #bounds: Bounds;
  readonly #flows = new Map<string, Flow>();
  #running = 0;
  #waiting = 0;
  /** Where whoever comes new begins: no active user has had less. */
  #begin = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }
  get running(): number {
    return this.#running;
  }
  get waiting(): number {
    return this.#waiting;
  }
  /** Users who run or wait, and those who have had more than the others not long ago. */
  get users(): number {
    return this.#flows.size;
  }

  /** `begin` is called when it may run, perhaps at once. @returns undefined: too many wait already */
  ask(user: string, width: number, begin: () => void): Ticket | undefined {
    const flow = this.#flowOf(user), { seatsPerUser, queued, queuedInAll } = this.#bounds;
    const ticket: Ticket = { user, width: Math.max(1, Math.min(width, seatsPerUser)), begin, state: "waiting" };
    if (flow.waiting.length === 0 && this.#waiting === 0 && this.#fits(flow, ticket)) {
      this.#start(flow, ticket);
      return ticket;
    }
    if (flow.waiting.length >= queued || this.#waiting >= queuedInAll) return undefined;
    flow.waiting.push(ticket);
    this.#waiting++;
    this.#next();
    return ticket;
  }

  /** It is over: it has run for so long, or waits no more. A second time means nothing. */
  end(ticket: Ticket, tookMs: number): void {
    const flow = this.#flows.get(ticket.user);
    if (!flow || ticket.state === "over") return;
    if (ticket.state === "waiting") {
      flow.waiting.splice(flow.waiting.indexOf(ticket), 1);
      this.#waiting--;
    } else {
      flow.running -= ticket.width;
      this.#running -= ticket.width;
      flow.had += (tookMs - guessMs) * ticket.width;
    }
    ticket.state = "over";
    this.#next();
    this.#forget();
  }

  #flowOf(user: string): Flow {
    let flow = this.#flows.get(user);
    if (!flow) this.#flows.set(user, flow = { user, waiting: [], running: 0, had: this.#begin });
    if (!isActive(flow)) flow.had = Math.max(flow.had, this.#begin);
    return flow;
  }
  #fits({ running }: Flow, { width }: Ticket): boolean {
    return running + width <= this.#bounds.seatsPerUser && this.#running + width <= this.#bounds.seats;
  }
  #start(flow: Flow, ticket: Ticket): void {
    ticket.state = "running";
    flow.running += ticket.width;
    this.#running += ticket.width;
    flow.had += guessMs * ticket.width;
    ticket.begin();
  }

  #next(): void {
    while (this.#waiting > 0) {
      let next: Flow | undefined;
      for (const flow of this.#flows.values()) {
        const head = flow.waiting[0];
        if (!head || flow.running + head.width > this.#bounds.seatsPerUser) continue;
        if (!next || flow.had < next.had) next = flow;
      }
      // Whose turn it is waits for room, were it a wide one; else narrow ones would pass it for ever.
      if (!next || !this.#fits(next, next.waiting[0]!)) return;
      this.#waiting--;
      this.#start(next, next.waiting.shift()!);
    }
  }

  /** Who rests is forgotten once the others have had as much. */
  #forget(): void {
    let least = Infinity;
    for (const flow of this.#flows.values()) if (isActive(flow)) least = Math.min(least, flow.had);
    this.#begin = Math.max(this.#begin, least === Infinity ? 0 : least);
    for (const [user, flow] of this.#flows) {
      if (!isActive(flow) && (least === Infinity || flow.had <= this.#begin)) this.#flows.delete(user);
    }
  }
}
const isActive = ({ running, waiting }: Flow): boolean => running > 0 || waiting.length > 0;
