// kubectl port-forward: connections to a pod's ports, as many as the client wants, in one connection of its own. kubectl speaks SPDY/3.1, bare or in a
// WebSocket; other clients name the ports at once and get two channels for each (websocket_ports.ts).
import type { Kind } from "../../shared/api/resource.ts";
import { badRequest } from "../../shared/api/status.ts";
import { forwardAheadBytes, forwardedLaterMs, streamAliveMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { channel } from "../../shared/wire/frames.ts";
import type { Operation } from "./context.ts";
import { elsewhere } from "./pass_on.ts";
import { spdyPorts } from "./spdy_ports.ts";
import { spdyProtocol, switchToSpdy, wantsSpdy } from "./spdy_remote.ts";
import type { PodFacts, ProcessStream } from "./stream.ts";
import { offersWebSocket } from "./websocket.ts";
import { askedPorts, webSocketPorts, webSocketTunnel } from "./websocket_ports.ts";

const spdy = "portforward.k8s.io", tunnelled = "SPDY/3.1+portforward.k8s.io", channels = "v4.channel.k8s.io";

/** What a client's protocol needs of the rest. */
export interface Forwarder {
  /** Begins a connection; what comes of it is `client`'s. */
  open(port: number, client: PortClient, signal: AbortSignal): Ahead;
}
/** The client's end of one connection. */
export interface PortClient {
  /** Resolves when the client has taken it. @throws when it is gone */
  send(bytes: Uint8Array): Promise<void>;
  /** The pod sends no more; with what went wrong, if something did. */
  finish(error?: string): Promise<void>;
}

export async function forwardPorts({ api, c, kind }: Operation): Promise<Response> {
  const { namespace, name } = c.get("info").resource!;
  const pod = (await api.registry.get(kind as Kind, { namespace, name })).object as PodFacts;
  if (!pod.spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const { upgrade } = c.env;
  if (!upgrade) throw badRequest("Upgrade request required");
  const { request } = upgrade, bare = wantsSpdy(request) ? spdyProtocol(request, [spdy]) : undefined;
  const protocol = bare ?? offersWebSocket(request, [tunnelled, channels]);
  if (!protocol) {
    throw badRequest(`unable to upgrade: the client offers neither ${spdy} over SPDY/3.1, nor ${tunnelled} or ${channels} over WebSocket`);
  }
  const ports = protocol === channels ? askedPorts(c.get("query")) : [];
  const passedOn = await elsewhere({ api, c }, pod);
  if (passedOn) return passedOn;
  api.streams.mustReach(pod, "portforward");
  const over = AbortSignal.any([upgrade.gone, api.stopping]);
  const forwarder: Forwarder = {
    open(port, client, signal) {
      const connection = api.streams.connect(pod, port, AbortSignal.any([over, signal]));
      const about = `error forwarding port ${port} to pod ${name}, uid ${pod.metadata?.uid}`; // in the words of upstream's kubelet
      void forward(api.clock, connection, client, about, signal).catch((error) =>
        api.log.debug("A client left its connection", { port, error })
      );
      return new Ahead(connection);
    },
  };
  return upgrade.accept((socket, head) => {
    (socket as { setKeepAlive?(on: boolean, ms: number): void }).setKeepAlive?.(true, streamAliveMs);
    const handover = { request, socket, head, protocol };
    if (protocol === channels) return webSocketPorts(api, handover, ports, forwarder);
    if (protocol === tunnelled) return webSocketTunnel(handover, (tunnel) => spdyPorts(api, tunnel, forwarder));
    switchToSpdy(socket, protocol);
    if (head.length > 0) socket.unshift(head);
    spdyPorts(api, socket, forwarder);
  });
}

/** @param signal aborts when the client has enough of it, as kubectl has as soon as the pod is done: it takes any word about that for the end of everything */
async function forward(
  clock: Clock,
  connection: Promise<ProcessStream>,
  client: PortClient,
  about: string,
  signal: AbortSignal,
): Promise<void> {
  let wrong: string | undefined, reader: ReturnType<ProcessStream["received"]["getReader"]> | undefined;
  try {
    reader = (await connection).received.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.bytes.length > 0) await client.send(value.bytes);
      if (value.end) break;
    }
  } catch (error) {
    if (!signal.aborted) wrong = `${about}: ${(error as Error).message}`;
  }
  // Whatever kubectl still has to send, it closes its connection now. What it has sent already gets its time, as upstream.
  clock.after(forwardedLaterMs, () => void reader?.cancel().catch(() => {}));
  await client.finish(wrong);
}

/** What a client sends to one connection, in order. So that one which is slow does not hold up the others behind it, some is taken ahead. */
export class Ahead {
  readonly #connection: Promise<ProcessStream>;
  #last: Promise<void> = Promise.resolve();
  #bytes = 0;

  constructor(connection: Promise<ProcessStream>) {
    this.#connection = connection;
  }
  /** Resolves when the client may send more. */
  async take(bytes: Uint8Array, end: boolean): Promise<void> {
    this.#bytes += bytes.length;
    const sent = this.#last = this.#last.then(async () => {
      await (await this.#connection).send(channel.stdin, bytes, { end });
      this.#bytes -= bytes.length;
    });
    sent.catch(() => {}); // it is over, and whoever reads its output says why
    if (this.#bytes > forwardAheadBytes) await sent;
  }
}
