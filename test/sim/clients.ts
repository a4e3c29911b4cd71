// What the cluster is there for: clients that write, read, list and watch a handful of keys, at whichever member they find, and note all that they see. When a
// member dies under them they go to another one; what they had asked of the first stays without an answer.
import { Buffer } from "node:buffer";
import type { KeyValue, Transaction } from "../../master/store/store.ts";
import type { RecordedWatch, Recorder } from "../history/recorder.ts";
import type { Life, SimMember } from "./member.ts";
import type { World } from "./world.ts";

const prefix = "/r/";
/** Few, so that they get into each other's way. */
const keys = Array.from({ length: 6 }, (_, at) => `${prefix}${at}`);
/** How a client is: milliseconds between its calls and for which it waits for an answer, at most; and how often it asks for many things at once. */
interface Temper {
  readonly thinkMs: number;
  readonly patienceMs: number;
  readonly haste: number;
}
/** Calls that an impatient client has under way at most: what a leader that nobody hears can pile up. */
const burstCalls = 30;

export class Clients {
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #members: () => readonly SimMember[];
  readonly #stop = new AbortController();
  readonly #watches: RecordedWatch[] = [];
  /** The newest that anybody has seen of each key: what a careful writer compares with. */
  readonly #known = new Map<string, number>();
  #values = 0;
  #leases: number[] = [];
  /** Calls that wait for an answer. */
  pending = 0;
  writing = true;
  /** Called when somebody is about to renew a lease at the last moment. */
  renewsLate: () => void = () => {};

  constructor(world: World, recorder: Recorder, members: () => readonly SimMember[]) {
    this.#world = world;
    this.#recorder = recorder;
    this.#members = members;
  }

  start(callers: number, watchers: number): void {
    for (let at = 0; at < callers; at++) void this.#call(at);
    for (let at = 0; at < watchers; at++) void this.#watch(callers + at, at % 2 === 0 ? prefix : this.#world.pick(keys));
  }
  stop(): void {
    this.#stop.abort();
  }
  /** Every watch has told everything up to this revision. */
  areAt(revision: number): boolean {
    return this.#watches.every(({ next }) => next > revision);
  }

  async #call(client: number): Promise<void> {
    const world = this.#world;
    const temper = { thinkMs: world.pick([80, 80, 1_000]), patienceMs: world.pick([500, 12_000]), haste: world.pick([0.02, 0.3]) };
    for (;;) {
      await world.sleep(world.between(1, temper.thinkMs));
      if (this.#stop.signal.aborted || !this.writing) return;
      const life = this.#somebody();
      if (!life) continue;
      await new Promise<void>((resolve) => life.process.run(resolve)); // one that stands still takes no calls
      if (!life.store) continue;
      // Mostly one call after the other; now and then many at once, as of many who share a connection.
      const calls = world.chance(temper.haste) ? 1 + world.whole(burstCalls) : 1;
      await Promise.all(Array.from({ length: calls }, () => this.#answered(client, life, temper)));
    }
  }

  async #answered(
    client: number,
    life: Life,
    { patienceMs }: Pick<Temper, "patienceMs">,
    ask = (client: number, life: Life): Promise<void> => this.#ask(client, life),
  ): Promise<void> {
    this.pending++;
    let inTime = (): void => {};
    const late = new Promise<void>((resolve) => inTime = this.#world.after(patienceMs, resolve));
    await Promise.race([ask(client, life).catch(() => {}), life.ended, late]);
    inTime();
    this.pending--;
  }

  /** Many turn to one member at once, and write. */
  crowd({ life }: SimMember): void {
    for (let calls = burstCalls; calls > 0 && this.writing && life?.store; calls--) {
      const store = life.store;
      life.process.run(() => void this.#write(0, store).catch(() => {}));
    }
  }

  /** Some who have waited for a member to serve read at once. */
  enter({ life }: SimMember): void {
    const store = life?.store;
    if (!store || !this.writing) return;
    for (let calls = 1 + this.#world.whole(3); calls > 0; calls--) {
      this.#world.after(
        this.#world.between(0, 10),
        () =>
          life.process.run(() =>
            void this.#answered(0, life, { patienceMs: 1_000 }, async () => void await this.#recorder.get(0, store, this.#world.pick(keys)))
          ),
      );
    }
  }

  /** One write after the other, at whoever leads. */
  async writeOn(writes: number): Promise<void> {
    for (let left = writes; left > 0; left--) {
      const life = this.#members().find(({ replica }) => replica?.raft.isEstablished)?.life;
      if (life) await this.#answered(0, life, { patienceMs: 1_000 }, (_, { store }) => store ? this.#write(0, store) : Promise.resolve());
      await this.#world.sleep(20);
    }
  }

  #somebody(): Life | undefined {
    const lives = this.#members().flatMap(({ life }) => life?.store ? [life] : []);
    if (lives.length === 0) return undefined;
    // Mostly the leader, as a client that remembers would.
    const leader = lives.find(({ replica }) => replica?.raft.role === "leader");
    return leader && this.#world.chance(0.6) ? leader : this.#world.pick(lives);
  }

  async #ask(client: number, { store }: Life): Promise<void> {
    const world = this.#world, recorder = this.#recorder, key = world.pick(keys), dice = world.random();
    if (!store) return;
    if (dice < 0.15) return this.#seen(key, (await recorder.get(client, store, key)).item);
    if (dice < 0.2) return void await recorder.get(client, store, key, { serializable: true });
    if (dice < 0.27) return await this.#list(client, store);
    if (dice < 0.28) return await store.compact(Math.max(1, store.status().revision - world.whole(40)));
    if (dice < 0.3) return await this.#grant(client, store);
    if (dice < 0.31 && this.#leases.length > 0) return await store.keepAlive(world.pick(this.#leases));
    return await this.#write(client, store);
  }
  async #grant(client: number, store: NonNullable<Life["store"]>): Promise<void> {
    const ttl = this.#world.between(1, 10), { lease } = await store.grant(ttl);
    this.#leases.push(lease);
    if (this.#world.chance(0.5)) this.#renewLate(client, lease, ttl * 1_000);
  }
  /** A holder that renews again and again when its time is nearly over, or just was. */
  #renewLate(client: number, lease: number, ttlMs: number): void {
    this.#world.after(ttlMs * this.#world.between(0.9, 1.3), () => {
      const life = this.#somebody();
      if (!this.writing || this.#stop.signal.aborted) return;
      if (life) {
        this.renewsLate();
        life.process.run(() =>
          void this.#answered(client, life, { patienceMs: 1_000 }, (_, { store }) => store?.keepAlive(lease) ?? Promise.resolve())
        );
      }
      if (this.#world.chance(0.8)) this.#renewLate(client, lease, ttlMs);
    });
  }
  async #write(client: number, store: NonNullable<Life["store"]>): Promise<void> {
    const { results } = await this.#recorder.txn(client, store, this.#transaction(client, this.#world.pick(keys)));
    for (const item of results) if (item) this.#seen(item.key, item);
  }

  #transaction(client: number, key: string): Transaction {
    const world = this.#world, known = this.#known.get(key) ?? 0;
    const value = Buffer.from(`${client}.${++this.#values} `.padEnd(world.chance(0.03) ? 3_000 : 12 + world.whole(200), "x"));
    const lease = this.#leases.length > 0 && world.chance(0.1) ? { lease: world.pick(this.#leases) } : {};
    const put = { do: "put", key, value, ...lease } as const, get = { do: "get", key } as const;
    switch (world.whole(6)) {
      case 0:
        return { compares: [], then: [put] };
      case 1:
        return { compares: [{ key, target: "createRevision", is: 0 }], then: [put], else: [get] };
      case 2:
        return { compares: [{ key, target: "modRevision", is: known }], then: [{ do: "delete", key }], else: [get] };
      case 3: {
        const other = world.pick(keys);
        return { compares: [], then: other === key ? [put, get] : [put, { ...put, key: other }, get] };
      }
      case 4: { // one is there, or both change
        const other = world.pick(keys), otherwise = { ...put, key: other };
        const compares = [{ key, target: "modRevision", is: known }, { key: other, target: "createRevision", is: 0 }] as const;
        return {
          compares,
          then: other === key ? [put] : [put, otherwise],
          else: world.chance(0.5) ? [get] : [{ do: "delete", key: other }, get],
        };
      }
      default:
        return { compares: [{ key, target: "modRevision", is: known }], then: [put], else: [get] };
    }
  }

  async #list(client: number, store: NonNullable<Life["store"]>): Promise<void> {
    const recorder = this.#recorder, limit = this.#world.whole(4);
    const first = await recorder.list(client, store, prefix, { limit, ...(this.#world.chance(0.2) && { serializable: true }) });
    for (const item of first.items) this.#seen(item.key, item);
    const after = first.items.at(-1)?.key;
    if (first.remaining === 0 || after === undefined) return;
    await recorder.list(client, store, prefix, { after, revision: first.revision });
  }

  #seen(key: string, item: KeyValue | undefined): void {
    this.#known.set(key, item?.modRevision ?? 0);
  }

  async #watch(client: number, under: string): Promise<void> {
    const watch = this.#recorder.watch(client, under, 1 + this.#world.whole(20)), stop = this.#stop.signal;
    // Some take what comes at once, some need a while for each batch.
    const chewMs = this.#world.pick([0, 0, 50, 1_000]),
      onBatch = () => chewMs > 0 && this.writing && this.#world.sleep(this.#world.between(0, chewMs));
    this.#watches.push(watch);
    while (!stop.aborted) {
      await this.#world.sleep(this.#world.between(1, 200));
      const life = this.#somebody(), store = life?.store;
      if (!life || !store) continue;
      const moved = new AbortController();
      // Now and then to another member for no reason.
      const cancel = this.#world.chance(0.3) ? this.#world.after(this.#world.between(100, 5_000), () => moved.abort()) : () => {};
      const running = watch.run(store, { signal: AbortSignal.any([moved.signal, stop]), onBatch }).catch(() => false);
      const compacted = await Promise.race([running, life.ended.then(() => false)]);
      cancel();
      moved.abort();
      watch.cut();
      // History is gone: as every client of a watch does, it begins with what is there now.
      if (compacted) watch.next = store.status().compactRevision + 1;
    }
  }
}
