// The sessions of nodes on this member. A node numbers its sessions; the highest number is the one that counts, so neither a late will nor a half-open
// duplicate can say anything about a node that is back (Sparkplug B's birth and death numbers). Soft state: a member that starts knows no session.
import type { Clock } from "../../shared/util/clock.ts";
import type { Birth, Will } from "../../shared/wire/messages.ts";
import type { Connection } from "./connection.ts";
import type { Presence, PresenceState } from "./presence.ts";

export class Session {
  readonly connection: Connection;
  readonly nodeId: string;
  readonly nodeName: string;
  /** ms since 1970. */
  readonly sinceMs: number;
  birth: Birth | undefined;
  /** How far the node's clock was ahead when it said so. */
  clockErrorMs: number | undefined;

  constructor(connection: Connection, nowMs: number) {
    this.connection = connection;
    this.nodeId = connection.identity.nodeId;
    this.nodeName = connection.identity.nodeName;
    this.sinceMs = nowMs;
  }
}

/** What is remembered of a node beyond a session. */
export interface NodeRecord {
  readonly nodeId: string;
  readonly nodeName: string;
  highestSess: number;
  session: Session | undefined;
  /** The session it had last. */
  last: Session | undefined;
  /** Monotonic ms: of the last change between a session and none, and of the last packet of a session that is gone. */
  sinceMs: number;
  lastPacketMs: number;
  sleepingUntilMs: number | undefined;
  /** Bytes of sessions that are over. */
  bytesIn: number;
  bytesOut: number;
  /** Of the whole state that this node has reported and that is in the log. */
  stateHash: string | undefined;
  /** How old the newest report was when it came. */
  observedAgeMs: number | undefined;
}

export class Sessions implements Presence {
  readonly #clock: Clock;
  readonly #byConnection = new Map<Connection, Session>();
  readonly #records = new Map<string, NodeRecord>();
  readonly #byName = new Map<string, NodeRecord>();
  readonly #observers = new Set<(nodeName: string) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connected(connection: Connection): Session {
    const session = new Session(connection, this.#clock.now());
    this.#byConnection.set(connection, session);
    return session;
  }
  of(connection: Connection): Session | undefined {
    return this.#byConnection.get(connection);
  }
  /** The session that counts. */
  current(nodeId: string): Session | undefined {
    return this.#records.get(nodeId)?.session;
  }
  currentOf(nodeName: string): Session | undefined {
    return this.#byName.get(nodeName)?.session;
  }
  isCurrent(session: Session): boolean {
    return this.current(session.nodeId) === session;
  }
  *live(): Iterable<Session> {
    for (const { session } of this.#records.values()) if (session) yield session;
  }
  record(nodeId: string): NodeRecord | undefined {
    return this.#records.get(nodeId);
  }
  recordOf(nodeName: string): NodeRecord | undefined {
    return this.#byName.get(nodeName);
  }
  /** One for each name. */
  records(): Iterable<NodeRecord> {
    return this.#byName.values();
  }

  /** @returns false if the number is not higher than all before: then this session is none, and the node comes back with a higher one */
  born(session: Session, birth: Birth): boolean {
    const { nodeId, nodeName, connection } = session;
    let record = this.#records.get(nodeId);
    if (record && birth.sess <= record.highestSess) return false;
    const now = this.#clock.monotonic();
    if (!record) {
      record = {
        nodeId,
        nodeName,
        highestSess: 0,
        session: undefined,
        last: undefined,
        sinceMs: now,
        lastPacketMs: now,
        sleepingUntilMs: undefined,
        bytesIn: 0,
        bytesOut: 0,
        stateHash: undefined,
        observedAgeMs: undefined,
      };
      this.#records.set(nodeId, record);
      this.#byName.set(nodeName, record);
    }
    const before = record.session;
    session.birth = birth;
    session.clockErrorMs = birth.clock && birth.clock.t - this.#clock.now();
    record.highestSess = birth.sess;
    record.session = record.last = session;
    record.sleepingUntilMs = undefined;
    if (before && before.connection !== connection) {
      this.#settle(record, before);
      before.connection.close("a newer session of this node has begun");
    }
    if (!before) {
      record.sinceMs = now;
      this.#tell(nodeName);
    }
    return true;
  }

  /** A goodbye, or the broker's word that the connection broke. @returns whether it was about the session that counts */
  will(session: Session, will: Will): boolean {
    const record = this.#records.get(session.nodeId);
    if (record?.session !== session || will.sess !== session.birth?.sess) return false;
    if (will.reason === "sleep") record.sleepingUntilMs = will.wakeAt ?? Number.MAX_SAFE_INTEGER;
    this.#end(record);
    return true;
  }
  disconnected(connection: Connection): Session | undefined {
    const session = this.#byConnection.get(connection);
    this.#byConnection.delete(connection);
    const record = session && this.#records.get(session.nodeId);
    if (record?.session === session && record) this.#end(record);
    return session;
  }
  /** The node is no longer of this fleet: all its connections are closed, and it is known no more. Its name stays silent, so that its Node says so. */
  forget(nodeId: string, reason: string): void {
    for (const [connection, session] of this.#byConnection) if (session.nodeId === nodeId) connection.close(reason);
    const record = this.#records.get(nodeId);
    if (!record) return;
    this.#end(record);
    this.#records.delete(nodeId);
  }

  state(nodeName: string): PresenceState | undefined {
    const record = this.#byName.get(nodeName);
    if (!record) return undefined;
    const { session, sinceMs, sleepingUntilMs } = record;
    return {
      live: session !== undefined,
      sinceMs,
      lastPacketMs: session ? session.connection.lastPacketMs : record.lastPacketMs,
      ...(sleepingUntilMs !== undefined && { sleepingUntilMs }),
    };
  }
  subscribe(observer: (nodeName: string) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  #end(record: NodeRecord): void {
    const { session } = record;
    if (!session) return;
    this.#settle(record, session);
    record.session = undefined;
    record.sinceMs = this.#clock.monotonic();
    record.lastPacketMs = session.connection.lastPacketMs;
    this.#tell(record.nodeName);
  }
  #settle(record: NodeRecord, { connection }: Session): void {
    record.bytesIn += connection.bytesIn;
    record.bytesOut += connection.bytesOut;
  }
  #tell(nodeName: string): void {
    for (const observer of this.#observers) observer(nodeName);
  }
}
