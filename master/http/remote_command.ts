// kubectl exec and attach. All that can be refused is refused before the connection is taken over, in an ordinary Status; the node has begun by then. After
// that, the process' output flows to the client, the client's input to the process, and the last word is how it has ended.
import type { Kind } from "../../shared/api/resource.ts";
import { badRequest, type Status } from "../../shared/api/status.ts";
import { streamAliveMs } from "../../shared/limits.ts";
import { channel, decodeExit } from "../../shared/wire/frames.ts";
import type { Operation } from "./context.ts";
import { toStatus } from "./errors.ts";
import { elsewhere } from "./pass_on.ts";
import { isTrue } from "./request.ts";
import { spdyClient, spdyProtocol, wantsSpdy } from "./spdy_remote.ts";
import { chooseContainer, type ContainerFacts, type PodFacts, type ProcessStream } from "./stream.ts";
import { offersWebSocket } from "./websocket.ts";
import { channelProtocols, webSocketClient } from "./websocket_channels.ts";

/** What a client sends, in order; `end`: no more on this channel. Resolves when the node has taken it, and only then does the client send more. */
export type Receive = (channel: number, bytes: Uint8Array, end: boolean) => Promise<void>;
/** A client's end, whatever it speaks. */
export interface RemoteClient {
  /** Resolves when the client has taken it. @throws when it is gone */
  send(channel: number, bytes: Uint8Array): Promise<void>;
  /** The last word; ends the connection. */
  finish(status: Partial<Status>): Promise<void>;
}
/** Which streams a client has asked for. */
export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export const execInPod = (operation: Operation): Promise<Response> => remoteCommand(operation, "exec");
export const attachToPod = (operation: Operation): Promise<Response> => remoteCommand(operation, "attach");

async function remoteCommand({ api, c, kind }: Operation, verb: "exec" | "attach"): Promise<Response> {
  const { namespace, name } = c.get("info").resource!, query = c.get("query");
  const pod = (await api.registry.get(kind as Kind, { namespace, name })).object as PodFacts;
  const container = chooseContainer(pod, query.get("container") || undefined), wanted = wantedStreams(query);
  if (!pod.spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const command = query.getAll("command");
  if (verb === "exec" && command.length === 0) throw badRequest("you must specify at least 1 command for the container");
  const { upgrade } = c.env;
  if (!upgrade) throw badRequest("Upgrade request required");
  const spdy = wantsSpdy(upgrade.request),
    protocol = spdy ? spdyProtocol(upgrade.request) : offersWebSocket(upgrade.request, channelProtocols);
  if (!protocol) {
    throw badRequest("unable to upgrade: the client offers neither v5.channel.k8s.io nor v4.channel.k8s.io, over WebSocket or SPDY/3.1");
  }
  const options = verb === "exec"
    ? { command, stdin: wanted.stdin, tty: wanted.tty }
    : attachOptions(containersOf(pod).find((one) => one.name === container), wanted);
  const passedOn = await elsewhere({ api, c }, pod);
  if (passedOn) return passedOn;
  const signal = AbortSignal.any([upgrade.gone, api.stopping]);
  const process = await api.streams.process(verb, pod, container, options, signal);
  return upgrade.accept((socket, head) => {
    (socket as { setKeepAlive?(on: boolean, ms: number): void }).setKeepAlive?.(true, streamAliveMs);
    const receive: Receive = (on, bytes, end) => process.send(on, bytes, { end });
    const gone = (): void => void process.received.cancel().catch(() => {});
    const begun = (client: RemoteClient): void =>
      void serve(process, client, wanted, verb, c.get("requestId")).catch((error) =>
        api.log.debug("A client left its command", { verb, error })
      );
    if (spdy) spdyClient(api, { socket, head, protocol, wanted }, receive, begun, gone);
    else webSocketClient(api, { request: upgrade.request, socket, head, protocol }, receive, begun, gone);
  });
}

/** @throws ApiError BadRequest */
function wantedStreams(query: URLSearchParams): Wanted {
  const asks = (name: string): boolean => isTrue(query.get(name)), tty = asks("tty");
  const wanted = { stdin: asks("stdin"), stdout: asks("stdout"), stderr: asks("stderr") && !tty, tty };
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  return wanted;
}
const containersOf = ({ spec }: PodFacts): ContainerFacts[] => [
  ...spec?.containers ?? [],
  ...spec?.initContainers ?? [],
  ...spec?.ephemeralContainers ?? [],
];
/** Whether there is a stdin, and a terminal, was said when the container was made. */
const attachOptions = ({ stdin = false, stdinOnce = false, tty = false }: Partial<ContainerFacts> = {}, wanted: Wanted) => ({
  stdin: wanted.stdin && stdin,
  stdinOnce,
  tty,
});

async function serve(
  process: ProcessStream,
  client: RemoteClient,
  wanted: Wanted,
  verb: "exec" | "attach",
  requestId: string,
): Promise<void> {
  const asked = new Map([[channel.stdout as number, wanted.stdout], [channel.stderr, wanted.stderr]]);
  let code: number | undefined = 0;
  const reader = process.received.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => ({ done: true, value: { error } }) as const);
      if (value && "error" in value) return await client.finish(toStatus(value.error, requestId));
      if (done) break;
      if (value.channel === channel.exit) code = decodeExit(value.bytes);
      else if (asked.get(value.channel)) await client.send(value.channel, value.bytes);
    }
    await client.finish(verb === "exec" ? endOf(code) : success);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

const success = { metadata: {}, status: "Success" } as const;
/** In the form of upstream's remotecommand, which clients take apart. */
export function endOf(code: number | undefined): Partial<Status> {
  if (code === 0) return success;
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}
