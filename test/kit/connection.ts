// A node's connection as the fleet sees it, for tests without a broker.
import type { Connection } from "../../master/fleet/connection.ts";

/** That of a node called pi: open, and as yet without a word from it. */
export const connectionOf = (nodeId: string, more: Partial<Connection> = {}): Connection => ({
  identity: { nodeId, nodeName: "pi", standing: "full" },
  publish: () => Promise.resolve(),
  close() {},
  open: true,
  lastPacketMs: 0,
  bytesIn: 0,
  bytesOut: 0,
  ...more,
});
