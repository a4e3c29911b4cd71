// What is known of a node's connection right now. It changes with every packet, so it lies in the memory of the master that has the session, never in the
// log; like metrics.k8s.io it can be read and nothing else.
import { bool, double, field, int64, kind, message, optional, required, string } from "../schema.ts";
import { microTime, time } from "../scalars.ts";
import { age, humanDuration } from "../age.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";

const fleet = "dev.skerry.fleet.v1alpha1";

export class NodeLinkSession extends message(`${fleet}.NodeLinkSession`, "The session a node has, or had last.", {
  number: required(1, int64, "The node's own count of its sessions."),
  boot: field(2, string, "A new one at every boot of the device."),
  member: field(3, string, "The master it is connected to."),
  since: field(4, microTime, "When it began, by the master's clock."),
  remoteAddress: field(5, string, "Where it comes from: behind NAT, the router's address."),
  transport: field(6, string, "mqtts or wss."),
  agentVersion: field(7, string, "Version of the agent."),
}) {}

export class NodeLink
  extends kind("fleet.skerry.dev/v1alpha1", `${fleet}.NodeLink`, "A node's connection, as it is now. Its name is the Node's.", {
    metadata: field(1, ObjectMeta, "Name of the Node, and no more."),
    nodeId: required(2, string, "The node behind the name."),
    connected: required(3, bool, "Is there a session?"),
    lastPacketTime: field(4, microTime, "When anything at all was last received from it. Left out: never since this master runs."),
    observedAgeSeconds: optional(5, double, "How old the newest report was when it was received: how long the node itself had kept it."),
    bytesIn: required(6, int64, "Bytes received from it since this master runs.", { default: 0 }),
    bytesOut: required(7, int64, "Bytes sent to it since this master runs.", { default: 0 }),
    link: field(8, string, "What it is connected by, as it says itself: ethernet, wifi, cellular …"),
    metered: field(9, bool, "Does each byte cost?"),
    clockErrorSeconds: optional(10, double, "How far the node's clock is ahead of the master's; negative if behind."),
    session: optional(11, NodeLinkSession, "The session."),
    wakeTime: optional(12, time, "When it will be back, if it has said that it sleeps."),
  }) {}

export const nodeLinks = resource(NodeLink, {
  plural: "nodelinks",
  namespaced: false,
  stored: false,
  verbs: ["get", "list"],
  age: false,
  columns: {
    Connected: (link) => link.connected,
    Link: (link) => `${link.link || "<unknown>"}${link.metered ? " (metered)" : ""}`,
    "Last Packet": (link, now) => age(link.lastPacketTime, now),
    "Observed Age": ({ observedAgeSeconds: seconds }) => seconds === undefined ? "<unknown>" : humanDuration(seconds * 1000),
    "Clock Error": ({ clockErrorSeconds: seconds }) =>
      seconds === undefined ? "<unknown>" : `${seconds.toFixed(1).replace(/^-0\.0$/, "0.0")}s`,
    In: { wide: true, type: "integer", cell: (link) => link.bytesIn },
    Out: { wide: true, type: "integer", cell: (link) => link.bytesOut },
    Session: { wide: true, cell: ({ session }) => session?.number ?? "<none>" },
    Master: { wide: true, cell: ({ session }) => session?.member || "<none>" },
  },
});
