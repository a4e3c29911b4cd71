// What the fleet needs of a node's connection; the broker has it. Sessions are keyed by this object, never by a client id: a half-open duplicate has the same
// id, but is another connection.

export interface Identity {
  readonly nodeId: string;
  readonly nodeName: string;
  /** "renewal": the key is enrolled, but the certificate's dates are wrong. All it may do is to renew. */
  readonly standing: "full" | "renewal";
  readonly keyHash: string;
}
export interface Connection {
  readonly identity: Pick<Identity, "nodeId" | "nodeName" | "standing">;
  /** Resolves when the message is on its way. Never rejects: what is lost with the connection is covered by the next. */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): Promise<void>;
  close(reason: string): void;
  readonly open: boolean;
  /** Monotonic ms of the last byte from it. */
  readonly lastPacketMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Where it comes from, and by which way: "mqtts" or "wss". */
  readonly remoteAddress?: string;
  readonly transport?: string;
}

const encoder = new TextEncoder();
export const json = (message: unknown): Uint8Array => encoder.encode(JSON.stringify(message));
