// What flows through a node's one connection for as long as somebody listens: logs. A session's frames travel on topics of their own (shared/wire/frames.ts);
// the node sends no more than it was granted, and is granted more as the reader takes it, so a slow reader holds up nothing but itself.
import { Buffer } from "node:buffer";
import { ApiError, type Reason, reasons } from "../../shared/api/status.ts";
import { nodeSessions, sessionCreditBytes, sessionIdleMs, sessionOpenMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { channel, decodeFrame, encodeCredit, encodeFrame, flag, type Frame } from "../../shared/wire/frames.ts";
import type { SessionOpen } from "../../shared/wire/messages.ts";
import { downTopic } from "../../shared/wire/topics.ts";
import { humanDuration } from "../../shared/api/age.ts";
import { json } from "./connection.ts";
import type { Session, Sessions } from "./sessions.ts";

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
  readonly #streams = new Map<Session, Map<string, Stream>>();

  constructor(needs: TunnelNeeds) {
    this.#needs = needs;
  }

  /**
   * A container's output. Resolves when the node has begun. @param options as in PodLogOptions
   * @throws ApiError ServiceUnavailable where the node cannot be reached, or what the node says is wrong
   */
  async logs(pod: PodFacts, container: string, options: object, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const nodeName = pod.spec?.nodeName ?? "", session = this.#needs.sessions.currentOf(nodeName);
    if (!session) throw this.#unreachable(nodeName, pod.metadata?.name ?? "");
    const open: SessionOpen = {
      verb: "logs",
      podUid: pod.metadata?.uid ?? "",
      container,
      options: { ...options },
      credit: sessionCreditBytes,
    };
    const stream = this.#open(session, open, signal);
    await stream.begun;
    return stream.body;
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

  #open(session: Session, open: SessionOpen, signal: AbortSignal): Stream {
    let streams = this.#streams.get(session);
    if (!streams) this.#streams.set(session, streams = new Map());
    if (streams.size >= nodeSessions) {
      throw new ApiError("TooManyRequests", `node ${session.nodeName} has ${nodeSessions} sessions open already, please try again later`);
    }
    const id = Buffer.from(this.#needs.randomBytes(12)).toString("base64url"), topic = downTopic(session.nodeId, "session", id);
    const stream = new Stream(this.#needs.clock, {
      send: (frame) => void session.connection.publish(topic, encodeFrame(frame), 1),
      ended: () => {
        streams.delete(id);
        if (streams.size === 0) this.#streams.delete(session);
      },
    }, signal);
    streams.set(id, stream);
    stream.open(open);
    return stream;
  }
  #unreachable(nodeName: string, pod: string): ApiError {
    const state = this.#needs.sessions.state(nodeName), about = pod && `cannot read the logs of pod ${pod}: `;
    const seen = state
      ? `last heard from ${humanDuration(this.#needs.clock.monotonic() - state.lastPacketMs)} ago`
      : "not heard from since this master runs";
    const how = state?.sleepingUntilMs !== undefined ? "asleep" : "not connected";
    return new ApiError("ServiceUnavailable", `${about}node ${nodeName} is ${how}, ${seen}`);
  }
}

interface Ends {
  send(frame: Frame): void;
  ended(): void;
}

/** The master's end of one session. */
class Stream {
  readonly body: ReadableStream<Uint8Array>;
  /** Resolves when the node has begun. */
  readonly begun: Promise<void>;
  readonly #clock: Clock;
  readonly #ends: Ends;
  readonly #signal: AbortSignal;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #sent = 0;
  #expected = 0;
  /** Bytes the reader has taken and the node has not been granted again. */
  #owed = 0;
  readonly #waiting: Uint8Array[] = [];
  /** The reader waits. */
  #pulled = false;
  #hasBegun = false;
  /** What the last frame said; undefined: it has not come. */
  #end: { readonly error?: ApiError } | undefined;
  #closed = false;
  #cancelTimer: () => void;

  constructor(clock: Clock, ends: Ends, signal: AbortSignal) {
    this.#clock = clock;
    this.#ends = ends;
    this.#signal = signal;
    this.begun = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#give(),
      cancel: () => this.#hangUp(),
    }, { highWaterMark: 0 });
    this.#cancelTimer = clock.after(
      sessionOpenMs,
      () => this.fail(new ApiError("Timeout", `the node has not begun within ${sessionOpenMs} ms`), true),
    );
    signal.addEventListener("abort", this.#aborted, { once: true });
  }
  readonly #aborted = (): void => this.fail(this.#signal.reason, true);

  open(open: SessionOpen): void {
    if (this.#signal.aborted) return this.#aborted();
    this.#send(channel.open, json(open));
  }

  take(frame: Frame): void {
    const { n, bytes } = frame;
    if (n < this.#expected) return; // QoS 1 may repeat
    if (n > this.#expected) this.#push(Buffer.from("\n[some output was lost here]\n"));
    this.#expected = n + 1;
    this.#begin();
    if (frame.channel === channel.stdout || frame.channel === channel.stderr) this.#push(bytes);
    else if (frame.channel === channel.error && frame.flags & flag.end) {
      this.#end = bytes.length > 0 ? { error: errorIn(bytes) } : {};
      if (this.#end.error) this.#reject(this.#end.error); // does nothing if it had begun
      this.#close();
    }
  }
  /** Ends it from this side. @param tell whether there is still somebody to tell */
  fail(error: unknown, tell = false): void {
    if (this.#closed) return;
    this.#reject(error);
    if (tell) this.#hangUp();
    else this.#close();
    this.#waiting.length = 0;
    this.#controller.error(error);
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#cancelTimer();
    // Silence is normal for a log; so that the node knows that somebody still listens, it is granted nothing now and then.
    const keepAlive = (): void => {
      if (this.#closed) return;
      this.#grant();
      this.#cancelTimer = this.#clock.after(sessionIdleMs / 3, keepAlive);
    };
    this.#cancelTimer = this.#clock.after(sessionIdleMs / 3, keepAlive);
    if (!this.#end) queueMicrotask(() => this.#resolve());
  }
  #push(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    this.#waiting.push(Uint8Array.from(bytes)); // the payload's buffer is the broker's
    if (this.#pulled) this.#give();
  }
  /** One piece to the reader; or it is remembered that he waits. */
  #give(): void {
    const bytes = this.#waiting.shift();
    if (bytes) {
      this.#pulled = false;
      this.#controller.enqueue(bytes);
      this.#owed += bytes.length;
      if (!this.#closed && this.#owed >= sessionCreditBytes / 4) this.#grant();
    } else if (this.#end) {
      if (this.#end.error) this.#controller.error(this.#end.error);
      else this.#controller.close();
    } else this.#pulled = true;
  }
  #grant(): void {
    this.#send(channel.credit, encodeCredit(this.#owed));
    this.#owed = 0;
  }
  #hangUp(): void {
    if (this.#closed) return;
    this.#send(channel.error, new Uint8Array(), flag.end);
    this.#close();
  }
  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer();
    this.#signal.removeEventListener("abort", this.#aborted);
    this.#ends.ended();
    if (this.#end && this.#pulled) this.#give();
  }
  #send(to: number, bytes: Uint8Array, flags = 0): void {
    this.#ends.send({ n: this.#sent++, channel: to, flags, bytes });
  }
}

/** What the node says is wrong. Reasons we do not know, and text that is no JSON, are the node's failure. */
function errorIn(bytes: Uint8Array): ApiError {
  const text = Buffer.from(bytes).toString();
  try {
    const { reason = "", message = "" } = JSON.parse(text) as { reason?: string; message?: string };
    return new ApiError(Object.hasOwn(reasons, reason) ? reason as Reason : "InternalError", String(message));
  } catch {
    return new ApiError("InternalError", text.slice(0, 256));
  }
}
