// A node's connection as the fleet sees it, for tests without a broker.
import type { Connection } from "../../master/fleet/connection.ts";
import type { Birth } from "../../shared/wire/messages.ts";

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
/** The first message of its session of that number. */
export const birth = (sess: number): Birth => ({
  sess,
  boot: "b",
  ver: "v",
  arch: "a",
  wire: [1],
  caps: [],
  link: { kind: "wifi", metered: false },
});
