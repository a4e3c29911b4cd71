// What flows for as long as somebody listens: logs here, exec and attach in remote_command.ts, forwarded ports in port_forward.ts. The bytes come from whoever can
// reach the node, through the interface below.
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { ApiError, badRequest } from "../../shared/api/status.ts";
import type { Api, HttpContext } from "./context.ts";
import { isTrue } from "./request.ts";

/** As in PodLogOptions. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339 */
  readonly sinceTime?: string;
}
/** What the fleet can fetch from a pod's node. */
export interface Streams {
  /** The container's output, line by line as it was written. @throws ApiError, also ServiceUnavailable where the node cannot be reached */
  logs(pod: PodFacts, container: string, options: LogOptions, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** A new process in the container, or (`attach`) its own. Resolves when it has begun. @throws as logs() */
  process(verb: "exec" | "attach", pod: PodFacts, container: string, options: object, signal: AbortSignal): Promise<ProcessStream>;
  /** A connection to a port of the pod's localhost. @throws as logs() */
  connect(pod: PodFacts, port: number, signal: AbortSignal): Promise<ProcessStream>;
  /** The master that has the node, where that is another one: `https://host:port`. */
  whereIs?(pod: PodFacts): string | undefined;
  /** @throws ApiError ServiceUnavailable where the node cannot be reached */
  mustReach(pod: PodFacts, verb: "exec" | "attach" | "portforward"): void;
}
/** On the channels of shared/wire/frames.ts. */
export interface ProcessStream {
  /** Reading is what lets the node send more; cancelling ends it all. */
  readonly received: ReadableStream<{ readonly channel: number; readonly bytes: Uint8Array; readonly end?: boolean }>;
  /** Resolves when the node takes it. `end`: the last on this channel. @throws when all is over */
  send(channel: number, bytes: Uint8Array, options?: { end?: boolean }): Promise<void>;
}
/** Of a Pod, what is needed here. */
export interface PodFacts extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly ContainerFacts[];
    readonly initContainers?: readonly ContainerFacts[];
    readonly ephemeralContainers?: readonly ContainerFacts[];
  };
  readonly status?: {
    readonly containerStatuses?: readonly ContainerStatusFacts[];
    readonly initContainerStatuses?: readonly ContainerStatusFacts[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatusFacts[];
  };
}
export interface ContainerFacts {
  readonly name: string;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
}
interface ContainerStatusFacts {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string } };
  readonly lastState?: { readonly terminated?: unknown };
}

export async function podLogs(api: Api, c: HttpContext, kind: Kind): Promise<Response> {
  const { namespace, name } = c.get("info").resource!;
  const pod = (await api.registry.get(kind, { namespace, name })).object as PodFacts;
  const options = logOptions(c.get("query")), container = chooseContainer(pod, c.get("query").get("container") || undefined);
  refuseWithoutOutput(pod, container, options);
  const signal = AbortSignal.any([c.req.raw.signal, api.stopping]);
  const body = await api.streams.logs(pod, container, options, signal);
  return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>, {
    headers: { "content-type": "text/plain", "transfer-encoding": "chunked" },
  });
}

/** @throws ApiError BadRequest */
function logOptions(query: URLSearchParams): LogOptions {
  const number = (name: string, least: number): number | undefined => {
    const text = query.get(name) ?? "";
    if (text === "") return undefined;
    if (!/^\d{1,15}$/.test(text) || Number(text) < least) {
      throw badRequest(`${name} is ${JSON.stringify(text)}, but must be a whole number from ${least}`);
    }
    return Number(text);
  };
  const tailLines = number("tailLines", 0), limitBytes = number("limitBytes", 1), sinceSeconds = number("sinceSeconds", 1);
  const sinceTime = query.get("sinceTime") || undefined;
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(`sinceTime is ${JSON.stringify(sinceTime)}, but must be a time such as 2006-01-02T15:04:05Z`);
  }
  if (sinceTime !== undefined && sinceSeconds !== undefined) throw badRequest("at most one of sinceTime or sinceSeconds may be specified");
  return {
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
    ...(sinceTime !== undefined && { sinceTime }),
  };
}

const names = (containers: readonly ContainerFacts[] = []): string[] => containers.map(({ name }) => name);

/** @throws ApiError BadRequest, in the words of upstream's pod strategy (LogLocation) */
export function chooseContainer({ metadata, spec = {} }: PodFacts, asked: string | undefined): string {
  const main = names(spec.containers), init = names(spec.initContainers), ephemeral = names(spec.ephemeralContainers);
  if (asked !== undefined) {
    if ([...main, ...init, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${metadata?.name}`);
  }
  if (main.length === 1) return main[0]!;
  if (main.length === 0) throw badRequest(`a container name must be specified for pod ${metadata?.name}`);
  const others = init.length > 0 ? ` or one of the init containers: [${init.join(" ")}]` : "";
  throw badRequest(`a container name must be specified for pod ${metadata?.name}, choose one of: [${main.join(" ")}]${others}`);
}

/** A container that has never run has nothing to show, and says why. @throws ApiError BadRequest */
function refuseWithoutOutput({ metadata, spec, status = {} }: PodFacts, container: string, { previous }: LogOptions): void {
  const pod = metadata?.name;
  const statuses = [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? [], ...status.ephemeralContainerStatuses ?? []];
  const found = statuses.find(({ name }) => name === container);
  if (previous && !found?.lastState?.terminated) throw badRequest(`previous terminated container "${container}" in pod "${pod}" not found`);
  if (!spec?.nodeName) throw badRequest(`pod ${pod} does not have a host assigned`);
  const waiting = found?.state?.waiting;
  if (waiting && !found.lastState?.terminated) {
    throw badRequest(`container "${container}" in pod "${pod}" is waiting to start: ${waiting.reason ?? "ContainerCreating"}`);
  }
}

export const notImplemented = (what: string): ApiError => new ApiError("NotImplemented", `${what} is not implemented by this server`);
