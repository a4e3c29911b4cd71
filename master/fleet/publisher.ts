// Brings every connected node to the set it should have. What changes in the cache marks the nodes it touches; each of these is rendered once, however much
// has changed, and hears a head only if its set's hash is another. Small deltas travel inside the head; everything else the node pulls when it suits it.
// No timer and no write lies between a commit and the head.
import { setImmediate } from "node:timers";
import { nodes } from "../../shared/api/kinds/node.ts";
import { deltaShare, headBackoff, inlineDeltaBytes, renderSliceMs } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { sealSecret } from "../../shared/wire/sealed_secret.ts";
import type { Ack, Desired, Get, SetOperation } from "../../shared/wire/messages.ts";
import { downFilter, downTopic } from "../../shared/wire/topics.ts";
import type { Cache, Change } from "../registry/cache.ts";
import { json } from "./connection.ts";
import type { Renderer } from "./desired_state.ts";
import type { Enrollments } from "./enrollments.ts";
import { isSecret } from "./render.ts";
import { type Rendering, Renderings } from "./renderings.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { Touched } from "./touched.ts";
import { Transfers } from "./transfers.ts";

export interface PublisherNeeds {
  readonly cache: Cache;
  readonly renderer: Renderer;
  readonly touched: Touched;
  readonly sessions: Sessions;
  readonly enrollments: Enrollments;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** ms since 1970, never behind the log. */
  readonly now: () => number;
  readonly clusterId: () => string;
  readonly clusterEpoch: () => string;
}

/** What one session has been told and has said of its set. */
interface Telling {
  /** What the node holds, as it says: the base of deltas. */
  have: { readonly gen: number; readonly hash: string } | undefined;
  /** Hash of the newest set it was told of. */
  told: string | undefined;
  delayMs: number;
  cancelRetry: () => void;
}

export class Publisher {
  readonly #needs: PublisherNeeds;
  readonly #renderings = new Map<string, Renderings>();
  readonly #transfers = new Map<string, Transfers>();
  readonly #tellings = new Map<Session, Telling>();
  /**
   * Names of nodes of which nothing has changed since their newest rendering, which holds until then (ms since 1970): a fleet that comes back as it was
   * renders nothing.
   */
  readonly #fresh = new Map<string, number>();
  /** Names of nodes to look at. */
  #dirty = new Set<string>();
  #scheduled = false;

  constructor(needs: PublisherNeeds) {
    this.#needs = needs;
  }

  /** Something in the cache is other than before. */
  changed(change: Change): void {
    const touched = this.#needs.touched.by(change);
    if (touched === "all") {
      this.#fresh.clear();
      for (const { nodeName } of this.#needs.sessions.live()) this.#dirty.add(nodeName);
    } else {
      for (const name of touched) {
        this.#fresh.delete(name);
        if (this.#needs.sessions.currentOf(name)) this.#dirty.add(name);
      }
    }
    this.#schedule();
  }
  #schedule(): void {
    if (this.#dirty.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#flush()); // when all changes of this revision have been told
  }
  #flush(): void {
    const { clock, sessions, log } = this.#needs, end = clock.monotonic() + renderSliceMs, dirty = this.#dirty;
    for (const name of dirty) {
      dirty.delete(name);
      const session = sessions.currentOf(name);
      try {
        if (session) this.#tell(session);
      } catch (error) {
        log.error("Cannot render the desired state of a node", { node: name, error });
      }
      if (dirty.size > 0 && clock.monotonic() > end) return void setImmediate(() => this.#flush());
    }
    this.#scheduled = false;
  }

  /** What lies under `s/v1/<nodeId>/d/#` for a node that has just subscribed. */
  retained(filter: string): { topic: string; payload: Uint8Array }[] {
    const nodeId = filter.split("/")[2] ?? "";
    if (filter !== downFilter(nodeId)) return [];
    const rendering = this.#render(nodeId);
    return rendering ? [{ topic: downTopic(nodeId, "desired"), payload: json(this.#head(nodeId, rendering)) }] : [];
  }

  /** It has said what it holds: the head that it found when it subscribed is repeated only if that differs. */
  born(session: Session): void {
    const { epoch, gen, hash } = session.birth?.have ?? {}, ours = epoch === this.#needs.clusterEpoch();
    const have = ours && hash !== undefined ? { gen: gen!, hash } : undefined;
    this.#transfers.get(session.nodeId)?.newSession();
    this.#tellings.set(session, { have, told: have?.hash, delayMs: 0, cancelRetry: () => {} });
    this.#tell(session);
  }
  over(session: Session): void {
    this.#tellings.get(session)?.cancelRetry();
    this.#tellings.delete(session);
  }
  forget(nodeId: string): void {
    this.#renderings.delete(nodeId);
    this.#transfers.delete(nodeId);
  }

  ack(session: Session, ack: Ack): void {
    const telling = this.#tellings.get(session), { nodeName: node, nodeId } = session;
    if (!telling || ack.epoch !== this.#needs.clusterEpoch()) return;
    if (ack.phase === "stored" || ack.phase === "applied") {
      telling.have = { gen: ack.gen, hash: ack.hash };
      this.#transfers.get(nodeId)?.drop(ack.hash, this.#needs.clock.monotonic());
    } else if (ack.phase !== "applying") {
      this.#needs.log.warn("A node does not take its desired state", { node, phase: ack.phase, gen: ack.gen, reason: ack.reason });
    }
    if (ack.hash !== telling.told) return;
    telling.cancelRetry();
    telling.delayMs = 0;
  }

  get(session: Session, get: Get): void {
    const { nodeId } = session, { clock } = this.#needs, telling = this.#tellings.get(session);
    const rendering = this.#render(nodeId);
    if (!rendering || !telling) return;
    let transfers = this.#transfers.get(nodeId);
    if (!transfers) this.#transfers.set(nodeId, transfers = new Transfers());
    transfers.drop(undefined, clock.monotonic());
    let parts = transfers.parts(get.rid, get.from, get.window);
    if (!parts && get.from === 0) {
      this.#freeze(session, transfers, rendering, get);
      telling.told = rendering.hash;
      parts = transfers.parts(get.rid, 0, get.window);
    }
    if (!parts) {
      void session.connection.publish(downTopic(nodeId, "put"), json({ rid: get.rid, gone: true }), 1);
      return this.#send(session, telling, rendering);
    }
    for (const part of parts) void session.connection.publish(downTopic(nodeId, "put"), json(part), 1);
    this.#retryLater(session, telling); // it is alive and at it: what was told need not be told again soon
  }
  #freeze({ nodeId, birth }: Session, transfers: Transfers, { gen, hash, size }: Rendering, { rid, have, full, codec }: Get): void {
    const renderings = this.#renderings.get(nodeId)!, known = !full && have?.epoch === this.#needs.clusterEpoch();
    const delta = known ? renderings.deltaFrom(have!.hash) : undefined, worth = delta && delta.size <= size * deltaShare;
    const operations = (worth ? delta.operations : renderings.all()).map((operation) => this.#sealed(nodeId, operation));
    const epoch = this.#needs.clusterEpoch(), codecs = codec ? [codec] : birth?.caps ?? [];
    const heading = { rid, epoch, gen, hash, ...(worth ? { kind: "delta" as const, base: have!.gen } : { kind: "full" as const }) };
    transfers.freeze(heading, operations, codecs, birth?.link.metered ?? false, this.#needs.clock.monotonic());
  }
  /** A Secret leaves this process sealed to its node's key only. */
  #sealed(nodeId: string, operation: SetOperation): SetOperation {
    if (operation.op !== "set" || !isSecret(operation)) return operation;
    const { sealKey } = this.#needs.enrollments.get(nodeId)!.object.spec;
    return { ...operation, body: sealSecret(operation.body, sealKey, { clusterId: this.#needs.clusterId(), nodeId }) };
  }

  /** The set of a node as it should be now; undefined while there is no Node or no Enrollment. */
  #render(nodeId: string): Rendering | undefined {
    const { cache, renderer, enrollments } = this.#needs;
    const enrollment = enrollments.get(nodeId), node = enrollment && cache.get(nodes, "", enrollment.object.spec.nodeName);
    if (!node) return undefined;
    let renderings = this.#renderings.get(nodeId);
    if (!renderings) this.#renderings.set(nodeId, renderings = new Renderings());
    const now = this.#needs.now();
    if (now < (this.#fresh.get(node.name) ?? 0) && renderings.newest) return renderings.newest;
    const { objects, dueMs } = renderer.desiredState(node, now);
    this.#fresh.set(node.name, dueMs);
    return renderings.add(cache.revision, objects);
  }
  #tell(session: Session): void {
    const telling = this.#tellings.get(session), rendering = this.#render(session.nodeId);
    if (telling && rendering && telling.told !== rendering.hash) this.#send(session, telling, rendering);
  }
  #send(session: Session, telling: Telling, rendering: Rendering): void {
    if (telling.told !== rendering.hash) telling.delayMs = 0;
    telling.told = rendering.hash;
    void session.connection.publish(downTopic(session.nodeId, "desired"), json(this.#head(session.nodeId, rendering, session, telling)), 1);
    this.#retryLater(session, telling);
  }
  #head(nodeId: string, { gen, hash, size }: Rendering, session?: Session, telling?: Telling): Desired {
    const renderings = this.#renderings.get(nodeId)!;
    const head: Desired = { epoch: this.#needs.clusterEpoch(), gen, hash, size, deltaFrom: renderings.bases };
    const have = telling?.have, delta = have && !session?.birth?.link.metered && renderings.deltaFrom(have.hash);
    if (!delta || delta.size > inlineDeltaBytes) return head;
    const ops = delta.operations.map((operation) => this.#sealed(nodeId, operation));
    return { ...head, delta: { base: have.gen, ops } };
  }

  /** A head that was lost is told again, as long as the session lives and the node has not said that it has it. */
  #retryLater(session: Session, telling: Telling): void {
    const { clock, random } = this.#needs;
    telling.cancelRetry();
    telling.delayMs = nextDelay(headBackoff, telling.delayMs, random);
    telling.cancelRetry = clock.after(telling.delayMs, () => {
      const rendering = this.#render(session.nodeId);
      if (!rendering || this.#tellings.get(session) !== telling || telling.have?.hash === rendering.hash) return;
      this.#send(session, telling, rendering);
    });
  }

  /** Lets go of what nobody has fetched in time, and looks whose set is another by now because of the time alone. */
  sweep(): void {
    const now = this.#needs.now();
    for (const [name, dueMs] of this.#fresh) if (now >= dueMs && this.#needs.sessions.currentOf(name)) this.#dirty.add(name);
    this.#schedule();
    for (const transfers of this.#transfers.values()) transfers.drop(undefined, this.#needs.clock.monotonic());
  }
  stop(): void {
    for (const telling of this.#tellings.values()) telling.cancelRetry();
  }
}
