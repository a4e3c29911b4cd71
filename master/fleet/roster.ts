// Which master has which node's session: what the masters of a cluster tell each other through the store, so that the leader judges all nodes, a newer session
// closes an older one elsewhere, and whoever wants something of a node finds it. Beginnings and ends of sessions are written, nothing in between. A master alone
// has nobody to tell and writes nothing.
import * as v from "valibot";
import { intakeParallel } from "../../shared/limits.ts";
import { chain } from "../../shared/util/log.ts";
import { Wake } from "../../shared/util/signal.ts";
import type { TellingNeeds } from "./peers.ts";
import type { PresenceState } from "./presence.ts";
import type { NodeRecord, Sessions } from "./sessions.ts";
import { type Row, Table } from "./table.ts";
import { runWoken } from "./woken.ts";

/** What is stored under /f/session/<nodeId>. Never change the meaning of a field: other releases read it. */
const Record = v.object({
  /** The master that had the session last. */
  member: v.number(),
  node: v.string(),
  sess: v.number(),
  /** `adrift`: the master has begun anew and knows nothing of its old sessions; their nodes are on their way. */
  state: v.picklist(["live", "gone", "adrift"]),
  sleepingUntilMs: v.optional(v.number()),
});
type SessionRecord = v.InferOutput<typeof Record>;
/** Of a node, from what is stored. */
export interface SharedState extends PresenceState {
  readonly nodeId: string;
  readonly member: number;
  readonly sess: number;
}

interface RosterNeeds extends TellingNeeds {
  readonly sessions: Sessions;
}

export class Roster {
  readonly #needs: RosterNeeds;
  readonly #table: Table<SessionRecord>;
  readonly #byName = new Map<string, string>();
  /** By nodeId: monotonic ms at which this master learnt of the row's state. */
  readonly #since = new Map<string, number>();
  /** Masters that are silent, since when. */
  readonly #silent = new Map<number, number>();
  readonly #observers = new Set<(nodeName: string) => void>();
  readonly #wake = new Wake();
  /** Nodes that were shut out, until their rows are gone. */
  readonly #shutOut = new Set<string>();
  #dirty = new Set<string>();

  constructor(needs: RosterNeeds) {
    this.#needs = needs;
    this.#table = new Table(needs.store, "/f/session/", Record, (nodeId, row) => this.#changed(nodeId, row));
    needs.sessions.subscribe((name) => {
      const record = needs.sessions.recordOf(name);
      if (record) this.note(record.nodeId);
    });
  }

  /** Something has happened to a session of this node here. */
  note(nodeId: string): void {
    this.#dirty.add(nodeId);
    this.#wake.set();
  }
  /** The node is no longer of this fleet: its row goes, and with it its claim to its name. */
  forget(nodeId: string): void {
    this.#shutOut.add(nodeId);
    this.note(nodeId);
  }
  /** The highest session of a node that some master has seen. */
  highest(nodeId: string): number {
    return this.#table.get(nodeId)?.value.sess ?? 0;
  }
  /** The other master that has the node's session, as far as is known. */
  whereIs(nodeName: string): number | undefined {
    const row = this.#rowOf(nodeName);
    return row?.state === "live" && row.member !== this.#needs.peers.self ? row.member : undefined;
  }
  /** The newest session was at another master. */
  wasElsewhere(nodeId: string): boolean {
    const row = this.#table.get(nodeId)?.value;
    return row !== undefined && row.member !== this.#needs.peers.self;
  }
  nodes(): Iterable<string> {
    return this.#byName.keys();
  }

  /** What the rows say of a node, whoever wrote them. */
  state(nodeName: string): SharedState | undefined {
    const nodeId = this.#byName.get(nodeName), row = this.#rowOf(nodeName);
    if (nodeId === undefined || !row) return undefined;
    const { member, sess, state, sleepingUntilMs } = row, silentMs = this.#silent.get(member);
    const sinceMs = Math.max(this.#since.get(nodeId)!, state === "live" ? silentMs ?? 0 : 0);
    return {
      nodeId,
      member,
      sess,
      live: state === "live" && silentMs === undefined,
      ...(state === "adrift" || (state === "live" && silentMs !== undefined) ? { adrift: true } : {}),
      sinceMs,
      lastPacketMs: sinceMs,
      ...(sleepingUntilMs !== undefined && { sleepingUntilMs }),
    };
  }
  subscribe(observer: (nodeName: string) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Follows the other masters and tells them of this one, until the signal aborts. What ends with this master is not written: it is for the others to see. */
  async run(signal: AbortSignal): Promise<void> {
    const { peers, clock, random, log } = this.#needs, wake = this.#wake, unsubscribe = peers.subscribe(() => this.#listen());
    const failed = (error: unknown): void =>
      log.info("Cannot tell the other masters of sessions yet, trying again", { nodes: this.#dirty.size, error: chain(error) });
    try {
      await Promise.all([this.#table.run(signal), runWoken({ wake, clock, random }, () => this.#write(signal), failed, signal)]);
    } finally {
      unsubscribe();
    }
  }

  /** A name may have had another device before, whose row is still there. */
  #isNewest(nodeName: string, { modRevision }: Row<SessionRecord>): boolean {
    const nodeId = this.#byName.get(nodeName), known = nodeId === undefined ? undefined : this.#table.get(nodeId);
    return known === undefined || known.modRevision <= modRevision;
  }
  #rowOf(nodeName: string): SessionRecord | undefined {
    const nodeId = this.#byName.get(nodeName);
    return nodeId === undefined ? undefined : this.#table.get(nodeId)?.value;
  }

  #changed(nodeId: string, row: Row<SessionRecord> | undefined): void {
    const { sessions, peers, clock } = this.#needs;
    if (!row) {
      this.#since.delete(nodeId);
      this.note(nodeId);
      for (const [name, id] of this.#byName) {
        if (id === nodeId && this.#byName.delete(name)) this.#tell(name);
      }
      return;
    }
    const { member, node, sess } = row.value;
    if (this.#isNewest(node, row)) this.#byName.set(node, nodeId);
    this.#since.set(nodeId, clock.monotonic());
    this.#heed(member); // it may be the first row of a master that fell silent before
    if (member !== peers.self && sess > (sessions.record(nodeId)?.highestSess ?? Infinity)) {
      sessions.current(nodeId)?.connection.close("a newer session of this node has begun at another master");
    }
    this.note(nodeId); // what is written may not be what is so here
    this.#tell(node);
  }

  /** Have masters fallen silent, or come back? */
  #listen(): void {
    const members = new Set(this.#silent.keys()); // also one whose nodes are all elsewhere by now: it may come back
    for (const [, { value: { member } }] of this.#table.rows()) members.add(member);
    const moved = new Set([...members].filter((member) => this.#heed(member)));
    if (moved.size === 0) return;
    for (const [, { value: { member, node } }] of this.#table.rows()) {
      if (moved.has(member)) this.#tell(node);
    }
  }
  #tell(nodeName: string): void {
    for (const observer of this.#observers) observer(nodeName);
  }
  /** @returns whether that master has fallen silent, or come back, since it was last looked at */
  #heed(member: number): boolean {
    const { peers, clock } = this.#needs, isSilent = member !== peers.self && !peers.isHeard(member);
    if (isSilent === this.#silent.has(member)) return false;
    if (!this.#silent.delete(member)) this.#silent.set(member, clock.monotonic());
    return true;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const nodeIds = [...this.#dirty];
    let failure: unknown, next = 0;
    this.#dirty = new Set();
    const lane = async (): Promise<void> => {
      while (next < nodeIds.length && !signal.aborted) {
        const nodeId = nodeIds[next++]!;
        await this.#settle(nodeId).catch((error) => {
          failure = error;
          this.#dirty.add(nodeId);
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(intakeParallel, nodeIds.length) }, lane));
    if (failure !== undefined) throw failure;
  }

  /** Makes the row of a node say what is so, where it is for this master to say. When somebody was faster, the watch brings his word and it is looked at again. */
  async #settle(nodeId: string): Promise<void> {
    const row = this.#table.get(nodeId), record = this.#needs.sessions.record(nodeId);
    if (!row || record?.session) this.#shutOut.delete(nodeId); // done, or let in again
    const isShutOut = this.#shutOut.has(nodeId), wanted = isShutOut ? undefined : decide(this.#needs.peers.self, row?.value, record);
    if (wanted === "as it is") return;
    await this.#table.write(nodeId, row, wanted);
  }
}

/** Pure: what the row should say. Undefined: there should be none. */
export function decide(
  self: number,
  row: SessionRecord | undefined,
  record: NodeRecord | undefined,
): SessionRecord | undefined | "as it is" {
  if (!record || (record.session === undefined && record.highestSess === 0)) {
    // Nothing is known here of what this master has written in an earlier life.
    return row?.member === self && row.state === "live" ? { ...row, state: "adrift" } : "as it is";
  }
  if (row && row.sess > record.highestSess) {
    return row.member === self && row.state === "live" ? { ...row, state: "adrift" } : "as it is";
  }
  const { nodeName: node, highestSess: sess, session, sleepingUntilMs } = record;
  const wanted: SessionRecord = {
    member: self,
    node,
    sess,
    state: session ? "live" : "gone",
    ...(sleepingUntilMs !== undefined && { sleepingUntilMs }),
  };
  const isSame = row && row.member === self && row.node === node && row.sess === sess && row.state === wanted.state &&
    row.sleepingUntilMs === sleepingUntilMs;
  return isSame ? "as it is" : wanted;
}
