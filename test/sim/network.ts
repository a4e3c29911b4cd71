// What is between the members: each direction of each pair loses, delays, repeats and reorders on its own, and can be cut on its own.
import type { Message, SnapshotMeta } from "../../master/store/raft/message.ts";
import type { Transport } from "../../master/store/replica_needs.ts";
import { SnapshotLost } from "../../master/store/snapshot.ts";
import type { World } from "./world.ts";

/** Milliseconds after which a connection that brings nothing is over. */
const silenceMs = 5_000;
/** Messages that are kept for who is away. */
const keptMessages = 30;

/** Where messages arrive, and snapshots come from. */
export interface Port {
  readonly id: number;
  /** Somebody is there. */
  isUp(): boolean;
  deliver(message: Message): void;
  /** Undefined while nobody is there. */
  snapshotBytes(meta: SnapshotMeta): AsyncIterable<Uint8Array> | undefined;
}

export class SimNetwork {
  readonly #world: World;
  readonly #ports = new Map<number, Port>();
  /** Pairs `from>to` that nothing passes. */
  readonly #cut = new Set<string>();
  /** What came for who was not there: its senders keep some of it until he is. */
  readonly #kept = new Map<number, Message[]>();
  /** Pairs `from>to` whose messages are held back, until when, and how many wait. */
  readonly #stalls = new Map<string, { until: number; waiting: number }>();
  /** Pairs `from>to` behind a queue that grows: since when, until when, and by how much for each millisecond. */
  readonly #queues = new Map<string, { since: number; until: number; growth: number }>();
  /** By pair: when the last message arrives; kept only where nothing overtakes anything. */
  readonly #arrivals = new Map<string, number>();
  /** Whether each direction keeps its order, as a connection does. */
  isOrderly = false;
  lossRate = 0;
  repeatRate = 0;
  /** Whether some of what comes for who is away is kept for his next life. */
  isFaithful = false;
  /** Share of the messages that come once more, up to ten seconds later. */
  echoRate = 0;
  /** Milliseconds of one way, least and most; one in fifty takes ten times as long. */
  delay: readonly [number, number] = [0.1, 2];
  /** Sees every message as it leaves. */
  tap: (message: Message) => void = () => {};

  constructor(world: World) {
    this.#world = world;
  }

  plug(port: Port): void {
    this.#ports.set(port.id, port);
  }
  get ids(): number[] {
    return [...this.#ports.keys()];
  }
  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`);
  }
  /** Holds back what is sent from now on, for `ms`: then it comes all at once, in its order, as out of a buffer somewhere on the way. */
  stall(from: number, to: number, ms: number): void {
    this.#stalls.set(`${from}>${to}`, { until: this.#world.now + ms, waiting: 0 });
  }
  /** From now on, for `ms`, each message takes longer than the one before: somewhere on the way more comes in than goes out. */
  delayMoreAndMore(from: number, to: number, { ms, growth }: { ms: number; growth: number }): void {
    this.#queues.set(`${from}>${to}`, { since: this.#world.now, until: this.#world.now + ms, growth });
  }
  /** Nothing is cut any more. */
  reconnect(): void {
    this.#cut.clear();
  }
  /** What is on its way stays on its way. */
  heal(): void {
    this.isOrderly = true;
    this.isFaithful = false;
    this.reconnect();
    this.#stalls.clear();
    this.#queues.clear();
    this.lossRate = this.repeatRate = this.echoRate = 0;
    this.delay = [0.1, 2];
  }
  isCut(from: number, to: number): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  transport(from: number, isAlive: () => boolean): Transport {
    return {
      send: (message) => {
        if (!isAlive()) return;
        this.tap(message);
        this.#send(from, message, this.#wayMs(from, message.to));
        if (this.#world.chance(this.repeatRate)) this.#send(from, message, this.#wayMs(from, message.to));
        if (this.#world.chance(this.echoRate)) this.#send(from, message, this.#world.between(100, 10_000));
      },
      fetch: (snapshot, source) => this.#fetch(from, snapshot, source),
    };
  }

  #send(from: number, message: Message, ms: number): void {
    if (this.#world.chance(this.lossRate)) return;
    this.#world.after(this.isOrderly ? this.#behindOthers(`${from}>${message.to}`, ms) : ms, () => {
      if (this.isCut(from, message.to)) return;
      this.#world.note(`${message.from}>${message.to} ${message.type} ${message.term}`);
      const port = this.#ports.get(message.to);
      if (port?.isUp() === false && this.isFaithful) this.#keep(message);
      else port?.deliver(message);
    });
  }

  #keep(message: Message): void {
    const kept = this.#kept.get(message.to) ?? [];
    if (kept.length < keptMessages) this.#kept.set(message.to, [...kept, message]);
  }
  /** Who was not there is: what was kept comes. */
  release(to: number): void {
    for (const message of this.#kept.get(to) ?? []) {
      this.#world.after(this.#world.between(0, 10), () => !this.isCut(message.from, to) && this.#ports.get(to)?.deliver(message));
    }
    this.#kept.delete(to);
  }

  async *#fetch(to: number, snapshot: SnapshotMeta, from: number): AsyncIterable<Uint8Array> {
    const bytes = this.#ports.get(from)?.snapshotBytes(snapshot);
    if (!bytes) throw new SnapshotLost("nobody is there");
    const iterator = bytes[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Who sends may die without a word: then the connection does.
        let inTime = (): void => {};
        const late = new Promise<never>((_, reject) => inTime = this.#world.after(silenceMs, () => reject(new Error("nothing comes"))));
        const { done, value: chunk } = await Promise.race([iterator.next(), late]);
        inTime();
        if (done) return;
        await this.#world.sleep(this.#wayMs(from, to) + this.#wayMs(to, from));
        if (this.isCut(from, to) || this.isCut(to, from) || this.#world.chance(this.lossRate)) throw new Error("the connection was cut");
        yield chunk;
      }
    } catch (error) {
      throw new SnapshotLost("the snapshot has not arrived", { cause: error });
    }
  }

  #behindOthers(pair: string, ms: number): number {
    const at = Math.max(this.#world.now + ms, (this.#arrivals.get(pair) ?? 0) + 0.0001);
    this.#arrivals.set(pair, at);
    return at - this.#world.now;
  }
  #wayMs(from: number, to: number): number {
    const pair = `${from}>${to}`, { now } = this.#world, stall = this.#stalls.get(pair), queue = this.#queues.get(pair);
    if (stall && stall.until > now) return stall.until - now + ++stall.waiting * 0.01;
    const ms = this.#world.between(...this.delay);
    if (queue && queue.until > now) return ms + (now - queue.since) * queue.growth;
    return this.#world.chance(0.02) ? ms * 10 : ms;
  }
}
