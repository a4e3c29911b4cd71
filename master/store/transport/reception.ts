// Takes the calls of other members: who they are and whether they may, and then what they say. Every byte is acknowledged, so that the caller knows that somebody
// is there. One that does not speak our language is cut off; nothing of what it said is used, and nobody else notices.
import type { TLSSocket } from "node:tls";
import {
  peerAcknowledgeBytes,
  peerFrameBytes,
  peerGoneTicks,
  peerHandshakeMs,
  peerHelloBytes,
  snapshotsSent,
} from "../../../shared/limits.ts";
import type { Clock } from "../../../shared/util/clock.ts";
import type { Message, SnapshotMeta } from "../raft/message.ts";
import { Connection } from "./connection.ts";
import { type Frame, kind, pong, readPing, received, unexpected } from "./frames.ts";
import { decodeHello, encodeRefusal, encodeWelcome, type Hello, type Host, judgeCaller, type Refusal } from "./handshake.ts";
import { decodeMessage } from "./message_codec.ts";
import { sendSnapshot } from "./snapshot_sender.ts";
import type { Troubles } from "./trouble.ts";
import { WireError } from "./wire.ts";

export interface ReceptionNeeds {
  readonly clock: Clock;
  readonly troubles: Troubles;
  readonly host: Host;
  receive(message: Message): void;
  snapshotBytes(snapshot: SnapshotMeta): AsyncIterable<Uint8Array>;
  /** A member has called and was let in. */
  called(hello: Hello): void;
  /** The last connection of a member is over. */
  left(member: number): void;
}

/** What has come from one member. */
export interface Tally {
  bytesReceived: number;
  messagesReceived: number;
  snapshotsSent: number;
}

interface Guest {
  readonly connection: Connection;
  readonly hello: Hello;
  /** Bytes that it knows of. */
  acknowledged: number;
  /** Bytes there were at the last tick, and ticks since there were more. */
  seen: number;
  quietTicks: number;
}

export class Reception {
  /** Handshakes that were refused. */
  refused = 0;
  readonly #needs: ReceptionNeeds;
  readonly #guests = new Set<Guest>();
  readonly #tallies = new Map<number, Tally>();
  /** Those that have not been let in yet. */
  readonly #waiting = new Set<Connection>();
  #closed = false;

  constructor(needs: ReceptionNeeds) {
    this.#needs = needs;
  }

  tally(member: number): Tally {
    let tally = this.#tallies.get(member);
    if (!tally) this.#tallies.set(member, tally = { bytesReceived: 0, messagesReceived: 0, snapshotsSent: 0 });
    return tally;
  }
  forget(member: number): void {
    for (const { hello, connection } of this.#guests) if (hello.from === member) connection.close(new Error("it is no member any more"));
    this.#tallies.delete(member);
  }

  /** Never rejects. */
  async accept(socket: TLSSocket): Promise<void> {
    const { clock, troubles, host } = this.#needs, connection = new Connection(socket, peerHelloBytes), at = connection.remote;
    // Judged here and not by the runtime, which would say neither to us nor to the other side who it was and why.
    if (!socket.authorized) {
      const why = socket.authorizationError ? ` (${socket.authorizationError})` : "";
      const words =
        `Cannot take a connection of ${at}: it has no certificate of this cluster's authority${why}. Only masters call this port`;
      return this.#refuse(connection, { reason: "certificate", words });
    }
    const cancel = clock.after(
      peerHandshakeMs,
      () => connection.close(new WireError(`It did not say who it is within ${peerHandshakeMs} ms`)),
    );
    this.#waiting.add(connection);
    let hello: Hello;
    try {
      hello = decodeHello(await connection.read());
    } catch (error) {
      if (error instanceof WireError) {
        this.#refuse(connection, {
          reason: "garbage",
          words: `Cannot take a connection of ${at}: ${error.message}. Only masters call this port`,
        });
      }
      return;
    } finally {
      cancel();
      this.#waiting.delete(connection);
    }
    if (this.#closed) return connection.close();
    const verdict = judgeCaller(hello, { certificate: connection.certificate, at }, host);
    if ("reason" in verdict) return this.#refuse(connection, verdict, hello.from);
    const sending = [...this.#guests].filter((guest) => guest.hello.purpose === "snapshot").length;
    if (hello.purpose === "snapshot" && sending >= snapshotsSent) {
      return this.#refuse(connection, {
        reason: "busy",
        words: `Cannot send a snapshot to member ${hello.from} at ${at}: ${sending} are being sent. It will ask again`,
      }, hello.from);
    }
    connection.limit(peerFrameBytes);
    connection.send([encodeWelcome(verdict.version)]);
    const guest: Guest = { connection, hello, acknowledged: 0, seen: 0, quietTicks: 0 };
    this.#welcome(guest);
    const why = await connection.closed;
    this.#guests.delete(guest);
    if (why instanceof WireError) {
      const keys = { member: hello.from, address: at, purpose: hello.purpose, error: why };
      troubles.tell(`${hello.from} garbage`, "A member does not speak our language; its connection is cut", keys);
    }
    if (![...this.#guests].some((other) => other.hello.from === hello.from)) this.#needs.left(hello.from);
  }

  /** Acknowledges what is left to acknowledge, and lets go of those from whom nothing is heard. */
  tick(): void {
    for (const guest of this.#guests) {
      const { connection, hello } = guest;
      if (connection.bytesReceived > guest.seen) guest.quietTicks = 0;
      else if (++guest.quietTicks >= peerGoneTicks) connection.close(new Error("nothing was heard from it"));
      guest.seen = connection.bytesReceived;
      if (hello.purpose !== "snapshot") acknowledge(guest);
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#waiting, ...[...this.#guests].map(({ connection }) => connection)]) connection.close();
  }

  #welcome(guest: Guest): void {
    const { connection, hello } = guest, { from, purpose } = hello;
    if (purpose === "snapshot") {
      this.#guests.add(guest);
      void this.#sendSnapshot(guest);
    } else {
      // It calls again only when it has given up the connection before.
      for (const other of this.#guests) {
        if (other.hello.from === from && other.hello.purpose === purpose) other.connection.close();
      }
      this.#guests.add(guest);
      const tally = this.tally(from);
      connection.listen({
        frame: (frame) => this.#hear(guest, frame, tally),
        arrived: (bytes) => {
          tally.bytesReceived += bytes;
          if (connection.bytesReceived - guest.acknowledged >= peerAcknowledgeBytes) acknowledge(guest);
        },
      });
    }
    this.#needs.called(hello);
  }

  #hear(guest: Guest, frame: Frame, tally: Tally): void {
    const { connection, hello } = guest;
    if (frame.kind === kind.ping) {
      guest.acknowledged = connection.bytesReceived;
      return connection.send([pong(readPing(frame), guest.acknowledged)]);
    }
    if (frame.kind !== kind.message) throw unexpected(frame);
    const message = decodeMessage(frame.body);
    if (message.from !== hello.from || message.to !== hello.to) {
      throw new WireError(
        `Cannot take a message from member ${message.from} to member ${message.to}: this is a connection from ${hello.from} to ${hello.to}`,
      );
    }
    tally.messagesReceived++;
    this.#needs.receive(message);
  }

  async #sendSnapshot({ connection, hello }: Guest): Promise<void> {
    try {
      await sendSnapshot(connection, (snapshot) => this.#needs.snapshotBytes(snapshot));
      this.tally(hello.from).snapshotsSent++;
    } catch (error) {
      if (error instanceof WireError) return connection.close(error);
      if (connection.isOver) return;
      this.#needs.troubles.tell(`${hello.from} snapshot`, "A snapshot cannot be sent", {
        member: hello.from,
        address: connection.remote,
        error,
      });
      connection.end();
    }
  }

  #refuse(connection: Connection, refusal: Refusal, member?: number): void {
    this.refused++;
    const address = connection.remote, host = address.replace(/:\d+$/, "");
    this.#needs.troubles.tell(`${host} ${member ?? ""} ${refusal.reason}`, "A connection was refused", {
      ...(member !== undefined && { member }),
      address,
      error: refusal.words,
    });
    connection.send([encodeRefusal(refusal)]);
    connection.end();
    // Who does not close its half would hold the connection for good.
    const cancel = this.#needs.clock.after(peerHandshakeMs, () => connection.close());
    void connection.closed.then(cancel);
  }
}

function acknowledge(guest: Guest): void {
  const { connection } = guest;
  if (connection.bytesReceived === guest.acknowledged) return;
  guest.acknowledged = connection.bytesReceived;
  connection.send([received(guest.acknowledged)]);
}
