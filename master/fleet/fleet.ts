// The fleet: everything between the API's objects and the nodes. It knows no sockets: the broker calls its handlers and gives it connections.
import type { Hono } from "hono";
import { type Enrollment, enrollments } from "../../shared/api/kinds/enrollment.ts";
import { nodes } from "../../shared/api/kinds/node.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import { ApiError } from "../../shared/api/status.ts";
import { renderingKeptMs } from "../../shared/limits.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { aborted } from "../../shared/util/signal.ts";
import { Ack, Birth, type Cumulative, Events, Get, parse, Renew, Report, Will } from "../../shared/wire/messages.ts";
import { downTopic, type Place } from "../../shared/wire/topics.ts";
import type { Authority } from "../pki/authority.ts";
import type { Cache, Change } from "../registry/cache.ts";
import type { Registry } from "../registry/registry.ts";
import type { Store } from "../store/store.ts";
import { renewCertificate } from "./certificates.ts";
import { type Connection, type Identity, json } from "./connection.ts";
import { type ClusterFacts, Renderer } from "./desired_state.ts";
import { Enrollments } from "./enrollments.ts";
import { Intake } from "./intake.ts";
import { joinRoutes, newNode } from "./join.ts";
import { nodeLinkSource } from "./node_links.ts";
import { Directory } from "./directory.ts";
import { type Elsewhere, type FleetStreams, type NodeStreams, streamsOf } from "./elsewhere.ts";
import type { Peers } from "./peers.ts";
import { type Presence, presenceOf } from "./presence.ts";
import { type Issuer, PodTokens } from "./pod_tokens.ts";
import { Publisher } from "./publisher.ts";
import { Roster } from "./roster.ts";
import { SendAway } from "./send_away.ts";
import { type Session, Sessions } from "./sessions.ts";
import { StateHashes } from "./state_hashes.ts";
import { Tokens } from "./tokens.ts";
import { Touched } from "./touched.ts";
import { metricsSources } from "./metrics_source.ts";
import { NodeUsage } from "./usage.ts";
import { Tunnel } from "./tunnel.ts";

export interface FleetNeeds {
  readonly registry: Registry;
  readonly cache: Cache;
  readonly store: Pick<Store, "status" | "list" | "watch" | "txn">;
  /** Absent: this master is alone, and nobody has to be told of its nodes. */
  readonly peers?: Peers;
  /** Reads a container's output through the master that has its node. */
  readonly elsewhere?: Elsewhere;
  readonly authority: Authority;
  /** Issues the tokens of ServiceAccounts that pods get. */
  readonly accounts: Issuer;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
}
export interface FleetConfig extends ClusterFacts {
  /** Where nodes reach this master: `mqtts://host:port` for MQTT, `https://host:port` for all the rest and MQTT through a WebSocket. Asked for each time, because ports may be chosen by the system. */
  readonly urls: () => readonly string[];
  /** Name of this member, for people. */
  readonly member: string;
}

/** The fleet's side of the broker (master/broker declares the same). None of these throws or waits. */
export interface Handlers {
  identify(certificate: Uint8Array): Identity | undefined;
  connected(connection: Connection): void;
  message(connection: Connection, place: Place, payload: Uint8Array): void;
  subscribed(connection: Connection): void;
  disconnected(connection: Connection): void;
  retained(filter: string): readonly { readonly topic: string; readonly payload: Uint8Array }[];
}
export interface Fleet {
  readonly handlers: Handlers;
  /** Of all nodes, whichever master has their sessions. */
  readonly streams: FleetStreams;
  /** Where another master's API is; undefined while it has not said so. */
  urlOf(member: number): string | undefined;
  /** Of the nodes that are connected here. */
  readonly ownStreams: NodeStreams;
  readonly presence: Presence;
  /** `/join/v1/…`: to be reached without a certificate. It authenticates and bounds by itself. */
  readonly join: Hono;
  readonly tokens: Pick<Tokens, "create" | "list" | "revoke" | "authenticate">;
  /** The objects of the kind NodeLink. */
  readonly nodeLinks: Pick<Registry, "get" | "list">;
  /** What nodes and pods use: of metrics.k8s.io. */
  readonly metrics: ReturnType<typeof metricsSources>;
  /** Is this certificate, which verifies, one of a node that was shut out? */
  revoked(certificate: { readonly keyHash: string; readonly organizations: readonly string[] }): boolean;
  /** Takes reports in and sends heads out until the signal aborts; resolves when what was begun is done. @throws what lets a part of it not go on */
  run(signal: AbortSignal): Promise<void>;
}

const isEnrollment = (change: Change): change is Change & Change<Enrollment> => (change.kind as unknown) === enrollments;

export function createFleet(needs: FleetNeeds, config: FleetConfig): Fleet {
  const { registry, cache, store, authority, clock, random, randomBytes, log, peers } = needs;
  const now = () => Math.max(clock.now(), store.status().time); // log time: a master without a battery does not fall behind its own log
  const clusterId = () => store.status().clusterId, clusterEpoch = () => store.status().clusterEpoch;
  const enrolled = new Enrollments(cache, authority, now), sessions = new Sessions(clock);
  const renderer = new Renderer(cache, config, new PodTokens(cache, needs.accounts)), touched = new Touched(cache, renderer);
  const tokens = new Tokens(registry, authority.hash, now, randomBytes);
  const publisher = new Publisher({
    cache,
    renderer,
    touched,
    sessions,
    enrollments: enrolled,
    clock,
    random,
    log,
    now,
    clusterId,
    clusterEpoch,
  });
  const roster = peers && new Roster({ store, peers, sessions, clock, random, log });
  const directory = peers && new Directory({ store, peers, clock, random, log }, () => ({ name: config.member, urls: [...config.urls()] }));
  const masters = () => directory?.urls() ?? config.urls();
  const stateHashes = new StateHashes({ registry, cache, clock, log });
  const intake = new Intake({ registry, cache, sessions, stateHashes, clock, random, now, log }),
    tunnel = new Tunnel({ sessions, clock, randomBytes });
  const sendAway = peers && new SendAway({ peers, sessions, clock, now, log });
  const certificates = { registry, authority, clusterId, now };
  const stopping = new AbortController(), work = new Set<Promise<void>>(), renewing = new Set<Connection>();

  /** Work that a message has begun; run() waits for it. */
  const own = (what: string, session: Session, promise: Promise<unknown>): void => {
    const owned: Promise<void> = promise.then(() => {}, (error) => log.error(what, { node: session.nodeName, error: chain(error) }))
      .finally(() => work.delete(owned));
    work.add(owned);
  };

  function changed(change: Change): void {
    if (isEnrollment(change)) {
      const { before, after } = change;
      enrolled.changed(before, after);
      if (before && (!after || after.object.spec.revoked)) shutOut(before.name);
    }
    publisher.changed(change);
  }
  function shutOut(nodeId: string): void {
    const session = sessions.current(nodeId);
    if (session) over(session);
    sessions.forget(nodeId, "this node was shut out");
    publisher.forget(nodeId);
    roster?.forget(nodeId);
  }
  const over = (session: Session): void => {
    publisher.over(session);
    tunnel.over(session);
  };
  const unsubscribe = cache.subscribe(changed);

  function born(session: Session, birth: Birth): void {
    const before = sessions.current(session.nodeId), known = sessions.record(session.nodeId);
    const cumulative = (more: Partial<Cumulative>) =>
      void session.connection.publish(downTopic(session.nodeId, "cumulative"), json({ time: now(), ...more }), 1);
    if (sendAway?.isDue) return sendAway.one(session, birth.sess);
    const highest = roster?.highest(session.nodeId) ?? 0;
    if (birth.sess <= highest || !sessions.born(session, birth)) {
      return cumulative({ sess: Math.max(highest, known?.highestSess ?? 0), refused: true });
    }
    roster?.note(session.nodeId);
    if (before && before !== session) over(before);
    // What this master remembers is old if the node was elsewhere since.
    const stateHash = known && !roster?.wasElsewhere(session.nodeId) ? known.stateHash : stateHashes.of(session.nodeName);
    const rebirth = birth.stateHash === undefined || birth.stateHash !== stateHash || doubted(session.nodeName);
    if (!rebirth) sessions.record(session.nodeId)!.stateHash = stateHash;
    cumulative({ sess: birth.sess, masters: [...masters()], ...(rebirth && { rebirth }) });
    publisher.born(session);
    log.info("A node is connected", { node: session.nodeName, sess: birth.sess, agent: birth.ver });
    // The device is enrolled, so its Node belongs there; somebody may have deleted it.
    if (!cache.get(nodes, "", session.nodeName)) own("Cannot make the Node of a device", session, makeNode(session));
  }
  /** Has somebody written over what the node has reported, because it could not be reached? Then its word is needed again. */
  function doubted(nodeName: string): boolean {
    for (const pod of cache.byField(pods, "spec.nodeName", nodeName)) {
      if (pod.object.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "Unknown")) return true;
    }
    return false;
  }
  async function makeNode({ nodeId, nodeName }: Session): Promise<void> {
    const labels = enrolled.get(nodeId)?.labels ?? {};
    await registry.create(nodes, newNode(nodeName, labels)).catch((error) => {
      if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
    });
  }

  async function renew(session: Session, csr: string): Promise<void> {
    const { connection, nodeId } = session, identity = connection.identity as Identity;
    if (renewing.has(connection)) return; // one at a time; the node asks again
    renewing.add(connection);
    const answer = (message: object) => connection.publish(downTopic(nodeId, "renew"), json(message), 1);
    try {
      await answer({ certificate: await renewCertificate(certificates, nodeId, identity.keyHash, csr) });
      log.info("The certificate of a node was renewed", { node: session.nodeName });
    } catch (error) {
      await answer({ error: error instanceof ApiError ? error.message : "the master failed, please try again" });
      if (!(error instanceof ApiError)) throw error;
    } finally {
      renewing.delete(connection);
    }
  }

  function message(connection: Connection, { name, id }: Place, payload: Uint8Array): void {
    const session = sessions.of(connection);
    if (!session) return; // a will that comes after its connection: the end of the connection has said it already
    const unread = (): void =>
      log.info("A node's message cannot be read", { node: session.nodeName, message: name, bytes: payload.length });
    const read = <T>(schema: Parameters<typeof parse<T>>[0], take: (message: T) => void): void => {
      const parsed = parse(schema, payload);
      if (parsed === undefined) unread();
      else take(parsed);
    };
    if (name === "renew") return read(Renew, ({ csr }) => own("Cannot renew a certificate", session, renew(session, csr)));
    if (name === "birth") return read(Birth, (birth) => born(session, birth));
    if (!sessions.isCurrent(session)) return; // not born yet, or overtaken: nobody to listen to
    switch (name) {
      case "will":
        return read(Will, (will) => {
          if (sessions.will(session, will)) over(session);
        });
      case "get":
        return read(Get, (get) => publisher.get(session, get));
      case "ack":
        return read(Ack, (ack) => publisher.ack(session, ack));
      case "report":
        return read(Report, (report) => intake.report(session, report));
      case "events":
        return read(Events, (events) => intake.events(session, events));
      case "session":
        return tunnel.frame(session, id!, payload);
    }
    // A heartbeat has said all by coming; operations are not asked for yet.
  }

  return {
    handlers: {
      identify: (certificate) => enrolled.identify(certificate),
      connected: (connection) => void sessions.connected(connection),
      message: (connection, place, payload) => {
        try {
          message(connection, place, payload);
        } catch (error) {
          log.error("Cannot handle a node's message", { node: connection.identity.nodeName, message: place.name, error: chain(error) });
        }
      },
      subscribed(connection) {
        const { nodeId, standing } = connection.identity;
        if (standing === "renewal") void connection.publish(downTopic(nodeId, "time"), json({ time: now() }), 1);
      },
      disconnected(connection) {
        const session = sessions.disconnected(connection);
        if (!session) return;
        over(session);
        if (session.birth) log.info("A node is gone", { node: session.nodeName, sess: session.birth.sess });
      },
      retained: (filter) => publisher.retained(filter),
    },
    streams: streamsOf(tunnel, sessions, roster && directory && needs.elsewhere && { roster, directory, elsewhere: needs.elsewhere }),
    urlOf: (member) => directory?.apiOf(member),
    ownStreams: tunnel,
    presence: presenceOf(sessions, roster),
    join: joinRoutes({
      ...certificates,
      authority,
      enrollments: enrolled,
      tokens,
      clusterEpoch,
      masters,
      randomBytes,
      seen: (revision) => cache.waitFor(revision, stopping.signal),
      log,
    }),
    tokens,
    nodeLinks: nodeLinkSource(sessions, clock, config.member, roster && directory && { roster, directory }),
    metrics: metricsSources(cache, new NodeUsage({ sessions, tunnel, clock })),
    revoked: (certificate) => enrolled.revoked(certificate),
    async run(signal) {
      let cancelSweep = () => {};
      const sweep = (): void => {
        publisher.sweep();
        cancelSweep = clock.after(renderingKeptMs / 10, sweep);
      };
      sweep();
      const failed = new AbortController(), ended = AbortSignal.any([signal, failed.signal]); // what cannot go on ends the others
      const parts = [intake, stateHashes, roster, directory].map((part) =>
        part?.run(ended).catch((error) => {
          failed.abort();
          throw error;
        })
      );
      sendAway?.begin(ended);
      const allOver = Promise.allSettled(parts);
      await aborted(ended);
      stopping.abort();
      cancelSweep();
      unsubscribe();
      publisher.stop();
      await allOver;
      await Promise.all([...parts, ...work]);
    },
  };
}
