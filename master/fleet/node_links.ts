// NodeLinks: what is known of each node's connection right now, made from the sessions when somebody asks.
import { type NodeLink, nodeLinks } from "../../shared/api/kinds/node_link.ts";
import { notFound } from "../../shared/api/status.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Registry, Stored } from "../registry/registry.ts";
import type { Directory } from "./directory.ts";
import type { Roster, SharedState } from "./roster.ts";
import type { NodeRecord, Sessions } from "./sessions.ts";
import { Unstored } from "./unstored.ts";

const time = (ms: number): string => new Date(Math.max(0, ms)).toISOString().replace("Z", "000Z"); // MicroTime

/** What other masters have said of their nodes. */
export interface Others {
  readonly roster: Pick<Roster, "state" | "nodes">;
  readonly directory: Pick<Directory, "find">;
}

export function nodeLinkSource(sessions: Sessions, clock: Clock, member: string, others?: Others): Pick<Registry, "get" | "list"> {
  const show = (nodeName: string): Stored<NodeLink> | undefined => {
    const record = sessions.recordOf(nodeName), shared = others?.roster.state(nodeName);
    if (record && (record.session || !shared || shared.sess <= record.highestSess)) {
      return new Unstored(nodeLinks, linkOf(record, sessions, clock, member));
    }
    return shared && new Unstored(nodeLinks, linkElsewhere(nodeName, shared, clock, others!.directory.find(shared.member)?.name ?? ""));
  };
  return {
    get(kind, { name }) {
      const found = show(name);
      return found ? Promise.resolve(found as never) : Promise.reject(notFound(kind, name));
    },
    list() {
      const names = new Set([...sessions.records()].map(({ nodeName }) => nodeName));
      for (const name of others?.roster.nodes() ?? []) names.add(name);
      const items = [...names].sort().map((name) => show(name)!);
      return Promise.resolve({ items, revision: 1 } as never);
    },
  };
}

function linkOf(record: NodeRecord, sessions: Sessions, clock: Clock, member: string): NodeLink {
  const { nodeId, nodeName, session, last, observedAgeMs } = record, state = sessions.state(nodeName)!, birth = last?.birth;
  return {
    metadata: { name: nodeName },
    nodeId,
    connected: state.live,
    lastPacketTime: time(clock.now() - (clock.monotonic() - state.lastPacketMs)),
    ...(observedAgeMs !== undefined && { observedAgeSeconds: observedAgeMs / 1000 }),
    bytesIn: record.bytesIn + (session?.connection.bytesIn ?? 0),
    bytesOut: record.bytesOut + (session?.connection.bytesOut ?? 0),
    ...(birth && { link: birth.link.kind, metered: birth.link.metered }),
    ...(last?.clockErrorMs !== undefined && { clockErrorSeconds: last.clockErrorMs / 1000 }),
    ...(last && birth && {
      session: {
        number: birth.sess,
        boot: birth.boot,
        member,
        since: time(last.sinceMs),
        agentVersion: birth.ver,
        ...(last.connection.remoteAddress && { remoteAddress: last.connection.remoteAddress }),
        ...(last.connection.transport && { transport: last.connection.transport }),
      },
    }),
    ...(state.sleepingUntilMs !== undefined && state.sleepingUntilMs < Number.MAX_SAFE_INTEGER &&
      { wakeTime: `${time(state.sleepingUntilMs).slice(0, 19)}Z` }),
  };
}

/** Of a node whose session another master has, only what that one has told: how much has flown, it knows alone. */
function linkElsewhere(nodeName: string, { nodeId, live, sess, sinceMs }: SharedState, clock: Clock, member: string): NodeLink {
  const since = time(clock.now() - (clock.monotonic() - sinceMs));
  return {
    metadata: { name: nodeName },
    nodeId,
    connected: live,
    lastPacketTime: since,
    bytesIn: 0,
    bytesOut: 0,
    session: { number: sess, member, since },
  };
}
