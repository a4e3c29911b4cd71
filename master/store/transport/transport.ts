// Messages and snapshots between masters, over mutual TLS 1.3. Every member calls all others and says what it has to say over the connections that it has made;
// what it hears comes over theirs. So nobody has to agree on who calls whom, and a link that works in one direction only is just that.
//
// Raft decides what is true; here it is only decided whose words are brought. A member is what its certificate says, signed by the cluster's own authority; where
// it is, the configuration says, and for those that it does not name (yet), they themselves when they call.
import { createServer, type Server, type TLSSocket } from "node:tls";
import { listenBacklog, peerCloseMs, peerConnections, peerHandshakeMs, raftTickMs } from "../../../shared/limits.ts";
import { limitHandshakes } from "../../../shared/platform/handshake.ts";
import type { Clock, Random } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { type ConfState, members, nobody } from "../raft/membership.ts";
import type { Message, MessageOf, SnapshotMeta } from "../raft/message.ts";
import type { Transport } from "../replica_needs.ts";
import { peerPort, type PeerTls } from "./call.ts";
import { placeOf } from "./connection.ts";
import { type Hello, versions } from "./handshake.ts";
import { type LinkStatus, PeerLink } from "./peer_link.ts";
import { Reception, type Tally } from "./reception.ts";
import { fetchSnapshot } from "./snapshot_fetcher.ts";
import { Troubles } from "./trouble.ts";

export interface TransportNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** A message for this member. Called one by one, never from within `send`. */
  receive(message: Message): void;
  /** The bytes of a snapshot that this member has offered. */
  snapshotBytes(snapshot: SnapshotMeta): AsyncIterable<Uint8Array>;
}

export interface TransportConfig {
  readonly clusterId: string;
  readonly clusterEpoch: string;
  readonly memberId: number;
  /** The certificate names this member by memberUri(). */
  readonly tls: PeerTls;
  /** Port 0: any that is free. Default: port 6444 on all addresses. */
  readonly listen?: readonly { readonly host: string; readonly port: number }[];
  /** Where others reach this member, `host:port`. They need it only while their configuration does not name it. */
  readonly address?: string;
  /** The members as they are now. Default: nobody is known. */
  readonly conf?: ConfState;
}

/** One other member. */
export interface PeerStatus extends LinkStatus, Readonly<Tally> {
  readonly member: number;
  readonly addresses: readonly string[];
}

export interface PeerTransport extends Transport {
  /** Ports in the order of `listen`. */
  readonly ports: readonly number[];
  /** Who the members are, and where. To be called with every change. */
  setPeers(conf: ConfState): void;
  status(): { readonly peers: readonly PeerStatus[]; /** Handshakes that were refused here. */ readonly refused: number };
  /** Takes no more messages, lets those that are queued leave, and closes everything. */
  close(): Promise<void>;
}

/** Resolves when it listens. @throws Error naming the address that cannot be listened on */
export async function createTransport(needs: TransportNeeds, config: TransportConfig): Promise<PeerTransport> {
  const hub = new Hub(needs, config), servers: Server[] = [];
  try {
    for (const { host, port } of config.listen ?? [{ host: "::", port: peerPort }]) {
      const server = createServer({
        ca: config.tls.ca,
        cert: config.tls.certificate,
        key: config.tls.key,
        requestCert: true,
        rejectUnauthorized: false, // the reception judges
        minVersion: "TLSv1.3",
      }, (socket) => hub.accept(socket));
      server.maxConnections = peerConnections;
      limitHandshakes(server, needs.clock, peerHandshakeMs);
      server.on("tlsClientError", (error, socket) => hub.stranger(error, socket));
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once("error", (cause) => reject(new Error(`Cannot listen for masters on ${host}:${port}`, { cause })));
        server.listen(port, host, listenBacklog, resolve);
      });
      server.on("error", (error) => needs.log.warn("The port of the masters has trouble", { error }));
    }
  } catch (error) {
    for (const server of servers) server.close();
    await hub.close();
    throw error;
  }
  hub.setPeers(config.conf ?? nobody);
  return {
    ports: servers.map((server) => (server.address() as { port: number }).port),
    send: (message) => hub.send(message),
    fetch: (snapshot, from) => hub.fetch(snapshot, from),
    setPeers: (conf) => hub.setPeers(conf),
    status: () => hub.status(),
    async close() {
      // Its callback is of no use: on Deno it never comes after a handshake that has failed.
      for (const server of servers) server.close();
      await hub.close();
    },
  };
}

class Hub {
  readonly #needs: TransportNeeds;
  readonly #config: TransportConfig;
  readonly #troubles: Troubles;
  readonly #reception: Reception;
  readonly #links = new Map<number, PeerLink>();
  readonly #parting = new Set<Promise<void>>();
  /** Where those who called say that they are; empty when they do not say. Those that no configuration names are in here as long as they are connected. */
  readonly #said = new Map<number, string>();
  readonly #stop = new AbortController();
  #conf: ConfState = nobody;
  #cancelTick = () => {};

  constructor(needs: TransportNeeds, config: TransportConfig) {
    this.#needs = needs;
    this.#config = config;
    this.#troubles = new Troubles(needs.clock, needs.log);
    const { clusterId, clusterEpoch, memberId } = config;
    this.#reception = new Reception({
      clock: needs.clock,
      troubles: this.#troubles,
      host: { clusterId, clusterEpoch, memberId, versions, isRemoved: (member) => this.#isRemoved(member) },
      receive: (message) => needs.receive(message),
      snapshotBytes: (snapshot) => needs.snapshotBytes(snapshot),
      called: (hello) => this.#called(hello),
      left: (member) => this.#left(member),
    });
    this.#tickLater();
  }

  accept(socket: TLSSocket): void {
    if (this.#stop.signal.aborted) return void socket.destroy();
    void this.#reception.accept(socket);
  }
  /** Somebody who does not even get TLS right: a scanner, or a program of another age. */
  stranger(error: Error, socket: TLSSocket): void {
    this.#reception.refused++;
    const address = placeOf(socket).replace(/:\d+$/, "");
    this.#troubles.tell(`${address} tls`, "A connection to the port of the masters ended before TLS was ready", { address, error });
  }

  send(message: Message): void {
    const link = this.#links.get(message.to);
    if (link && !this.#stop.signal.aborted) link.send(message);
    else if (message.type === "Propose") this.#unsent(message);
  }

  fetch(snapshot: SnapshotMeta, from: number): AsyncIterable<Uint8Array> {
    const { clock, random } = this.#needs;
    return fetchSnapshot(
      {
        clock,
        random,
        call: async (attempt, signal) => {
          const link = this.#links.get(from);
          if (!link) throw new Error(`Cannot call member ${from}: nothing says where it is`);
          return await link.callForSnapshot(attempt, signal);
        },
      },
      snapshot,
      this.#stop.signal,
    );
  }

  setPeers(conf: ConfState): void {
    this.#conf = conf;
    const known = new Set(members(conf));
    for (const member of conf.removed) {
      if (!this.#isRemoved(member)) continue;
      this.#said.delete(member);
      this.#reception.forget(member);
    }
    for (const member of this.#links.keys()) if (!known.has(member) && !this.#said.has(member)) this.#drop(member);
    known.delete(this.#config.memberId);
    for (const member of new Set([...known, ...this.#said.keys()])) this.#place(member);
  }

  status(): { peers: PeerStatus[]; refused: number } {
    const peers = [...this.#links.values()].sort((a, b) => a.member - b.member).map((link) => ({
      member: link.member,
      addresses: link.addresses,
      ...link.status,
      ...this.#reception.tally(link.member),
    }));
    return { peers, refused: this.#reception.refused };
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#cancelTick();
    const links = [...this.#links.values()];
    this.#stop.abort(new Error("this master is stopping"));
    await Promise.all([...links.map((link) => link.close(peerCloseMs)), ...this.#parting]);
    this.#reception.close();
  }

  /** A voter that is on its way out of the configuration still votes. */
  #isRemoved(member: number): boolean {
    return this.#conf.removed.includes(member) && !members(this.#conf).includes(member);
  }

  #called({ from, address }: Hello): void {
    if (this.#said.get(from) !== address) {
      this.#said.set(from, address);
      this.#place(from);
    }
    this.#links.get(from)?.hint();
  }
  #left(member: number): void {
    if (members(this.#conf).includes(member)) return;
    this.#said.delete(member);
    this.#drop(member);
  }

  /** Makes the link to a member, or tells it the new address. Where the configuration says comes first; what was known before serves when nothing else is. */
  #place(member: number): void {
    const link = this.#links.get(member), { clock, random, log } = this.#needs;
    const { clusterId, clusterEpoch, memberId, address = "", tls } = this.#config;
    const found = [this.#conf.addresses[member], this.#said.get(member)].flatMap((place) => place ? [place] : []);
    const addresses = found.length > 0 ? [...new Set(found)] : link?.addresses ?? [];
    if (link) link.addresses = addresses;
    else if (addresses.length > 0) {
      const needs = {
        clock,
        random,
        log,
        troubles: this.#troubles,
        caller: { clusterId, clusterEpoch, memberId, address, tls },
        unsent: (proposal: MessageOf<"Propose">) => this.#unsent(proposal),
      };
      this.#links.set(member, new PeerLink(needs, member, addresses));
    } else if (members(this.#conf).includes(member)) {
      this.#troubles.tell(`${member} nowhere`, "A member has no address; give it one, or let it call", { member });
    }
  }
  #drop(member: number): void {
    const parting = this.#links.get(member)?.close();
    this.#links.delete(member);
    if (!parting) return;
    this.#parting.add(parting);
    void parting.finally(() => this.#parting.delete(parting));
  }

  /** Who proposed it need not wait until its time is over. Not from within send(). */
  #unsent({ to, from, term, proposal: { proposer, sequence } }: MessageOf<"Propose">): void {
    queueMicrotask(() => {
      if (!this.#stop.signal.aborted) this.#needs.receive({ type: "ProposeRejected", from: to, to: from, term, proposer, sequence });
    });
  }

  #tickLater(): void {
    this.#cancelTick = this.#needs.clock.after(raftTickMs, () => {
      this.#tickLater();
      for (const link of this.#links.values()) link.tick();
      this.#reception.tick();
    });
  }
}
