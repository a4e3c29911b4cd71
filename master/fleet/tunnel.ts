// What flows through a node's one connection for as long as somebody listens: logs, exec, attach, forwarded connections. A session's frames travel on topics of their own (shared/wire/frames.ts);
// the node sends no more than it was granted, and is granted more as the reader takes it, so a slow reader holds up nothing but itself.
import { Buffer } from "node:buffer";
import { ApiError, badRequest } from "../../shared/api/status.ts";
import { nodeForwards, nodeSessions, sessionCreditBytes, sessionOpenBytes } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { decodeFrame, encodeFrame } from "../../shared/wire/frames.ts";
import type { SessionOpen } from "../../shared/wire/messages.ts";
import { downTopic } from "../../shared/wire/topics.ts";
import { humanDuration } from "../../shared/api/age.ts";
import { json } from "./connection.ts";
import type { Session, Sessions } from "./sessions.ts";
import { TunnelSession } from "./tunnel_session.ts";

/** Of a Pod, what is needed here. */
export interface PodFacts {
  readonly metadata?: { readonly uid?: string; readonly name?: string };
  readonly spec?: { readonly nodeName?: string };
}
export interface TunnelNeeds {
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
}

export class Tunnel {
  readonly #needs: TunnelNeeds;
  readonly #streams = new Map<Session, Map<string, TunnelSession>>();

  constructor(needs: TunnelNeeds) {
    this.#needs = needs;
  }

  /**
   * A container's output. Resolves when the node has begun. @param options as in PodLogOptions
   * @throws ApiError ServiceUnavailable where the node cannot be reached, or what the node says is wrong
   */
  async logs(pod: PodFacts, container: string, options: object, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return output(await this.#begin("logs", pod, container, options, signal));
  }
  /** A process in a container, or (`attach`) the container's own. Resolves when the node has begun. @throws ApiError, as logs() */
  async process(verb: "exec" | "attach", pod: PodFacts, container: string, options: object, signal: AbortSignal): Promise<TunnelSession> {
    return await this.#begin(verb, pod, container, options, signal);
  }
  /** What the node and its containers use: a Usage, as JSON. @throws ApiError, as logs() */
  async usage(nodeName: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return output(await this.#begin("usage", { spec: { nodeName } }, undefined, {}, signal));
  }
  /** A connection to a port of the pod: its input on `stdin`, what it answers on `stdout`, and each has its end. @throws ApiError, as logs() */
  async connect(pod: PodFacts, port: number, signal: AbortSignal): Promise<TunnelSession> {
    return await this.#begin("portforward", pod, undefined, { port }, signal);
  }
  /** @throws ApiError ServiceUnavailable where the node cannot be reached */
  mustReach(pod: PodFacts, verb: SessionOpen["verb"]): Session {
    const nodeName = pod.spec?.nodeName ?? "", session = this.#needs.sessions.currentOf(nodeName);
    if (!session) throw this.#unreachable(nodeName, `${purposes[verb]} pod ${pod.metadata?.name ?? ""}`);
    return session;
  }
  async #begin(
    verb: SessionOpen["verb"],
    pod: PodFacts,
    container: string | undefined,
    options: object,
    signal: AbortSignal,
  ): Promise<TunnelSession> {
    const session = this.mustReach(pod, verb), podUid = pod.metadata?.uid ?? "";
    const open: SessionOpen = { verb, podUid, ...(container && { container }), options: { ...options }, credit: sessionCreditBytes };
    const stream = this.#open(session, open, signal);
    await stream.begun;
    return stream;
  }

  /** A frame from the node. */
  frame(session: Session, id: string, payload: Uint8Array): void {
    const stream = this.#streams.get(session)?.get(id), frame = stream && decodeFrame(payload);
    if (frame) stream.take(frame);
  }
  /** Its connection is gone. */
  over(session: Session): void {
    for (const stream of this.#streams.get(session)?.values() ?? []) stream.fail(this.#unreachable(session.nodeName, ""));
    this.#streams.delete(session);
  }

  #open(session: Session, open: SessionOpen, signal: AbortSignal): TunnelSession {
    const opening = json(open);
    if (opening.length > sessionOpenBytes) throw badRequest(`the command is too long: it may have some ${sessionOpenBytes} bytes`);
    let streams = this.#streams.get(session);
    if (!streams) this.#streams.set(session, streams = new Map());
    const forwards = open.verb === "portforward", most = forwards ? nodeForwards : nodeSessions;
    if ([...streams.values()].filter((one) => (one.verb === "portforward") === forwards).length >= most) {
      throw new ApiError("TooManyRequests", `node ${session.nodeName} has ${most} sessions open already, please try again later`);
    }
    const id = Buffer.from(this.#needs.randomBytes(12)).toString("base64url"), topic = downTopic(session.nodeId, "session", id);
    const stream = new TunnelSession(
      this.#needs.clock,
      {
        send: (frame) => void session.connection.publish(topic, encodeFrame(frame), 1),
        ended: () => {
          streams.delete(id);
          if (streams.size === 0) this.#streams.delete(session);
        },
      },
      open.verb,
      signal,
    );
    streams.set(id, stream);
    stream.open(opening);
    return stream;
  }
  #unreachable(nodeName: string, purpose: string): ApiError {
    const state = this.#needs.sessions.state(nodeName), about = purpose && `cannot ${purpose}: `;
    const seen = state
      ? `last heard from ${humanDuration(this.#needs.clock.monotonic() - state.lastPacketMs)} ago`
      : "not heard from since this master runs";
    const how = state?.sleepingUntilMs !== undefined ? "asleep" : "not connected";
    return new ApiError("ServiceUnavailable", `${about}node ${nodeName} is ${how}, ${seen}`);
  }
}

const purposes = {
  logs: "read the logs of",
  exec: "run a command in",
  attach: "attach to",
  portforward: "forward ports to",
  usage: "measure",
} as const satisfies Record<SessionOpen["verb"], string>;

/** One by one, as its reader asks for them. */
function output({ received }: TunnelSession): ReadableStream<Uint8Array> {
  const reader = received.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value.bytes);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
