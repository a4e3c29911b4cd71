// Reports of nodes in. Whatever has come since the last flush goes into one: the writes of a flush share an fsync, of each pod only the newest state is
// written, and what changes nothing is not written at all. A node hears the cumulative acknowledgement only when everything it has said up to there is in the
// log; until then it repeats itself. [MQTT's PUBACK means no more than "the broker has it".]
import { createHash } from "node:crypto";
import { type Event, events } from "../../shared/api/kinds/event.ts";
import { nodes } from "../../shared/api/kinds/node.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import { ApiError, reasons } from "../../shared/api/status.ts";
import { intakeEvents, intakeParallel } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { Wake } from "../../shared/util/signal.ts";
import type { Events, NodeEvent, Report, ReportedObject } from "../../shared/wire/messages.ts";
import { downTopic } from "../../shared/wire/topics.ts";
import type { Cache } from "../registry/cache.ts";
import type { Registry, Stored } from "../registry/registry.ts";
import { json } from "./connection.ts";
import { allowedLabels } from "./join.ts";
import { type Hearing, nodeWithStatus, observedMs, podWithStatus } from "./reported.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { StateHashes } from "./state_hashes.ts";
import { runWoken } from "./woken.ts";

export interface IntakeNeeds {
  readonly registry: Registry;
  readonly cache: Cache;
  readonly sessions: Sessions;
  readonly stateHashes: Pick<StateHashes, "note">;
  readonly clock: Clock;
  readonly random: Random;
  readonly now: () => number;
  readonly log: Log;
}

/** What one session has said and what is not in the log yet. */
interface Pending {
  readonly objects: Map<string, { readonly reported: ReportedObject; readonly hearing: Hearing }>;
  readonly events: { readonly name: string; readonly event: NodeEvent; readonly hearing: Hearing }[];
  repSeq: number | undefined;
  evSeq: number | undefined;
  stateHash: string | undefined;
}
type Write = () => Promise<unknown>;

/** As `uid` of a report: the node itself. */
const itself = "node";

export class Intake {
  readonly #needs: IntakeNeeds;
  readonly #wake = new Wake();
  #pending = new Map<Session, Pending>();
  #lost = 0;

  constructor(needs: IntakeNeeds) {
    this.#needs = needs;
  }

  report(session: Session, report: Report): void {
    if (!this.#speaks(session, report.sess)) return;
    const pending = this.#of(session), hearing = this.#hearing(session);
    for (const reported of report.objs) pending.objects.set(reported.uid, { reported, hearing });
    pending.repSeq = Math.max(pending.repSeq ?? 0, report.seq);
    pending.stateHash = report.last ? report.stateHash : undefined;
    const record = this.#needs.sessions.record(session.nodeId), newest = report.objs.at(-1);
    if (record && newest) record.observedAgeMs = Math.max(0, hearing.receivedMs - observedMs(newest, hearing));
    this.#wake.set();
  }
  events(session: Session, { sess, seq, events, dropped }: Events): void {
    if (!this.#speaks(session, sess)) return;
    const pending = this.#of(session), hearing = this.#hearing(session);
    if (pending.events.length + events.length > intakeEvents) return; // not acknowledged: they come again
    events.forEach((event, index) => {
      // The same name each time they come: repeating them doubles nothing, and a series is one Event that counts.
      const { uid, type, reason, message, first } = event;
      const place = first === undefined ? `${session.birth?.boot} ${seq} ${index} ${event.at}` : `${first} ${type} ${reason} ${message}`;
      const name = createHash("sha256").update(`${session.nodeId} ${uid} ${place}`).digest("hex").slice(0, 16);
      pending.events.push({ name, event, hearing });
    });
    if (dropped > 0) this.#needs.log.info("A node had to drop events", { node: session.nodeName, dropped });
    pending.evSeq = Math.max(pending.evSeq ?? 0, seq);
    this.#wake.set();
  }

  /** Writes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#needs;
    const failed = (error: unknown): void => log.warn("Cannot write what nodes have reported, trying again", { error });
    await runWoken({ wake: this.#wake, clock, random }, () => this.#flush(signal), failed, signal);
  }

  /**
   * @throws what the store does not take now: it waits in #pending then, unless something newer has come, and nothing of its node is acknowledged before
   */
  async #flush(signal: AbortSignal): Promise<void> {
    const taken = this.#pending, writes: Write[] = [], left = new Map<Session, Pending>();
    let failure: unknown;
    this.#pending = new Map();
    for (const [session, pending] of taken) {
      const again = (put: (rest: Pending) => void, error: unknown) => {
        failure = error;
        let rest = left.get(session);
        if (!rest) left.set(session, rest = { ...pending, objects: new Map(), events: [] });
        put(rest);
      };
      for (const [uid, { reported, hearing }] of pending.objects) {
        writes.push(() =>
          this.#attempt(session, () => this.#write(session, reported, hearing))
            .catch((error) => again((rest) => rest.objects.set(uid, { reported, hearing }), error))
        );
      }
      for (const entry of pending.events) {
        writes.push(() =>
          this.#attempt(session, () => this.#writeEvent(session, entry)).catch((error) => again((rest) => rest.events.push(entry), error))
        );
      }
    }
    await all(writes, intakeParallel, signal);
    if (signal.aborted) return;
    for (const [session, pending] of taken) {
      const rest = left.get(session);
      if (rest) this.#putBack(session, rest);
      else this.#acknowledge(session, pending);
    }
    if (failure !== undefined) throw failure;
  }
  #putBack(session: Session, rest: Pending): void {
    const newer = this.#pending.get(session);
    if (!newer) return void this.#pending.set(session, rest);
    for (const [uid, entry] of rest.objects) if (!newer.objects.has(uid)) newer.objects.set(uid, entry);
    newer.events.unshift(...rest.events);
    newer.repSeq ??= rest.repSeq;
    newer.evSeq ??= rest.evSeq;
  }
  #acknowledge(session: Session, { repSeq, evSeq, stateHash }: Pending): void {
    const { sessions, now } = this.#needs, record = sessions.record(session.nodeId);
    if (!record || !sessions.isCurrent(session)) return;
    if (repSeq !== undefined) record.stateHash = stateHash;
    if (repSeq !== undefined && stateHash !== undefined) this.#needs.stateHashes.note(session.nodeName, stateHash);
    const message = {
      sess: record.highestSess,
      time: now(),
      ...(repSeq !== undefined && { repSeq }),
      ...(evSeq !== undefined && { evSeq }),
    };
    void session.connection.publish(downTopic(session.nodeId, "cumulative"), json(message), 1);
  }

  /** What can never be written is logged and counts as done: repeating it would help nobody. @throws what may work later */
  async #attempt({ nodeName }: Session, write: Write): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (error instanceof ApiError && error.reason === "NotFound") return; // it is gone already
      if (!(error instanceof ApiError) || reasons[error.reason].retryable || error.reason === "InternalError") throw error;
      this.#lost++;
      this.#needs.log.warn("A node has reported what cannot be written", { node: nodeName, error });
    }
  }

  async #write(session: Session, reported: ReportedObject, hearing: Hearing): Promise<void> {
    const { registry } = this.#needs, { uid } = reported;
    if (uid === itself) return await this.#writeNode(session, reported, hearing);
    const pod = this.#podOf(session, uid);
    if (!pod) return;
    const key = { namespace: pod.namespace, name: pod.name };
    if (!reported.gone) {
      await registry.modify(
        pods,
        key,
        (object) =>
          object.metadata?.uid === uid && object.spec?.nodeName === session.nodeName ? podWithStatus(object, reported, hearing) : undefined,
        { subresource: "status" },
      );
    } else if (pod.deleting) { // a node cannot delete what nobody wants deleted
      await registry.delete(pods, key, { gracePeriodSeconds: 0, preconditions: { uid } });
    }
  }
  async #writeNode({ nodeName }: Session, reported: ReportedObject, hearing: Hearing): Promise<void> {
    const { registry, cache } = this.#needs;
    await registry.modify(nodes, { name: nodeName }, (node) => nodeWithStatus(node, reported, hearing), { subresource: "status" });
    const wished = allowedLabels((reported.state?.labels ?? {}) as Record<string, string>),
      has = cache.get(nodes, "", nodeName)?.labels ?? {};
    // Only what is not there yet: a label that somebody has set by hand stays, and so does what the join token has granted.
    const missing = Object.entries(wished).filter(([key]) => has[key] === undefined);
    if (missing.length === 0) return;
    await registry.modify(nodes, { name: nodeName }, (node) => {
      node.metadata = { ...node.metadata, labels: { ...Object.fromEntries(missing), ...node.metadata?.labels } };
    });
  }

  async #writeEvent(session: Session, { name, event, hearing }: Pending["events"][number]): Promise<void> {
    const about = event.uid === itself ? this.#needs.cache.get(nodes, "", session.nodeName) : this.#podOf(session, event.uid);
    if (!about) return;
    const shown = (ms: number): string => `${new Date(Math.max(0, ms)).toISOString().slice(0, 19)}Z`;
    const seenMs = observedMs(event, hearing), at = shown(seenMs);
    const object: Event = {
      metadata: { name: `${about.name.slice(0, 230)}.${name}`, namespace: about.namespace || "default" },
      involvedObject: {
        apiVersion: "v1",
        kind: about.kind.kind,
        name: about.name,
        uid: about.uid,
        ...(about.namespace && { namespace: about.namespace }),
      },
      type: event.type,
      reason: event.reason,
      message: event.message,
      source: { component: "skerry-agent", host: session.nodeName },
      reportingComponent: "skerry-agent",
      reportingInstance: session.nodeName,
      count: event.count,
      firstTimestamp: shown(seenMs - (event.at - (event.first ?? event.at))),
      lastTimestamp: at,
    };
    const { registry } = this.#needs, { name: eventName, namespace } = object.metadata as { name: string; namespace: string };
    await registry.create(events, object).catch(async (error) => {
      if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
      await registry.modify(events, { namespace, name: eventName }, (known) => {
        if ((known.count ?? 1) >= event.count) return; // told before
        known.count = event.count;
        known.lastTimestamp = at;
      });
    });
  }

  /** Its own pods, nobody else's. */
  #podOf({ nodeName }: Session, uid: string): Stored | undefined {
    const stored = this.#needs.cache.byUid(uid);
    return stored?.kind.kind === "Pod" && stored.fields["spec.nodeName"] === nodeName ? stored : undefined;
  }
  #speaks(session: Session, sess: number): boolean {
    return this.#needs.sessions.isCurrent(session) && session.birth?.sess === sess;
  }
  #of(session: Session): Pending {
    let pending = this.#pending.get(session);
    if (!pending) {
      pending = { objects: new Map(), events: [], repSeq: undefined, evSeq: undefined, stateHash: undefined };
      this.#pending.set(session, pending);
    }
    return pending;
  }
  #hearing({ clockErrorMs }: Session): Hearing {
    return { receivedMs: this.#needs.now(), clockErrorMs };
  }
  /** Reports that could not be written for good, since the start. */
  get lost(): number {
    return this.#lost;
  }
}

/** Runs all, `parallel` at a time; no more are begun once the signal has aborted. */
async function all(work: readonly Write[], parallel: number, signal: AbortSignal): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < work.length && !signal.aborted) await work[next++]!();
  };
  await Promise.all(Array.from({ length: Math.min(parallel, work.length) }, lane));
}
