// What Aedes asks of a store, without one. Sessions are clean, nothing is queued and nothing retained: a node's head is computed when it subscribes
// ("virtual retained"), so every member can answer and nothing is kept twice.
import { Readable } from "node:stream";
import { Buffer } from "node:buffer";

export interface RetainedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** @param retained what lies under a filter that a client has just subscribed to */
export function noPersistence(retained: (filter: string) => readonly RetainedMessage[]): object {
  const nothing = (): Promise<void> => Promise.resolve();
  const notThere = (): Promise<never> => Promise.reject(new Error("nothing is kept"));
  return {
    async setup() {}, // Aedes insists on an async function
    createRetainedStreamCombi: (filters: readonly string[]) =>
      Readable.from(
        filters.flatMap((filter) => retained(filter))
          .map(({ topic, payload }) => ({
            cmd: "publish",
            topic,
            payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length),
            qos: 1,
            retain: true,
          })),
      ),
    storeRetained: nothing,
    subscriptionsByTopic: () => Promise.resolve([]),
    subscriptionsByClient: () => Promise.resolve([]),
    addSubscriptions: nothing,
    removeSubscriptions: nothing,
    cleanSubscriptions: nothing,
    cleanIncoming: nothing,
    putWill: nothing,
    delWill: nothing,
    streamWill: () => Readable.from([]),
    outgoingStream: () => Readable.from([]),
    outgoingEnqueue: nothing,
    outgoingEnqueueCombi: nothing,
    outgoingUpdate: nothing,
    outgoingClearMessageId: nothing,
    incomingStorePacket: nothing,
    incomingGetPacket: notThere,
    incomingDelPacket: nothing,
    destroy: nothing,
  };
}
