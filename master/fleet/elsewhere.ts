// What somebody wants of a node whose session another master has: that one is asked. Logs are asked for here; what takes a connection over, the API hands on whole.
import type { Directory } from "./directory.ts";
import type { Roster } from "./roster.ts";
import type { Sessions } from "./sessions.ts";
import type { PodFacts, Tunnel } from "./tunnel.ts";

/** What a master is asked for by another. The pod is named by its uid and its node: the other looks nothing up. */
export interface LogsRequest {
  readonly nodeName: string;
  readonly podName: string;
  readonly podUid: string;
  readonly container: string;
  readonly options: object;
}
/** @param url `https://host:port` of the other master. @throws ApiError, as the other says it, or ServiceUnavailable */
export type Elsewhere = (url: string, request: LogsRequest, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

/** What the API asks of nodes. */
export type NodeStreams = Pick<Tunnel, "logs" | "process" | "connect" | "mustReach">;

export interface FleetStreams extends NodeStreams {
  /** The master that has the pod's node, where that is another one: `https://host:port`. */
  whereIs?(pod: PodFacts): string | undefined;
}

export function streamsOf(
  tunnel: NodeStreams,
  sessions: Pick<Sessions, "currentOf">,
  others:
    | { readonly roster: Pick<Roster, "whereIs">; readonly directory: Pick<Directory, "apiOf">; readonly elsewhere: Elsewhere }
    | undefined,
): FleetStreams {
  if (!others) return tunnel;
  const whereIs = (pod: PodFacts): string | undefined => {
    const nodeName = pod.spec?.nodeName ?? "", member = sessions.currentOf(nodeName) ? undefined : others.roster.whereIs(nodeName);
    return member === undefined ? undefined : others.directory.apiOf(member);
  };
  return {
    whereIs,
    process: (...asked) => tunnel.process(...asked),
    connect: (...asked) => tunnel.connect(...asked),
    mustReach: (...asked) => tunnel.mustReach(...asked),
    logs(pod: PodFacts, container, options, signal) {
      const url = whereIs(pod);
      if (url === undefined) return tunnel.logs(pod, container, options, signal);
      const { name: podName = "", uid: podUid = "" } = pod.metadata ?? {}, nodeName = pod.spec?.nodeName ?? "";
      return others.elsewhere(url, { nodeName, podName, podUid, container, options: { ...options } }, signal);
    },
  };
}
