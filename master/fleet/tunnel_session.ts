// The master's end of one session of the tunnel: frames become pieces for a reader, who grants the node as much again by taking them.
import { Buffer } from "node:buffer";
import { ApiError, type Reason, reasons } from "../../shared/api/status.ts";
import { sessionCreditBytes, sessionFrameBytes, sessionIdleMs, sessionOpenMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { channel, Credit, decodeCredit, encodeCredit, flag, type Frame } from "../../shared/wire/frames.ts";
import type { SessionOpen } from "../../shared/wire/messages.ts";

interface Ends {
  send(frame: Frame): void;
  ended(): void;
}
/** A part of what the node sends on one channel (shared/wire/frames.ts). */
export interface Piece {
  readonly channel: number;
  readonly bytes: Uint8Array;
  /** The last on this channel. */
  readonly end?: boolean;
}
export class TunnelSession {
  /** Ends after the node's last frame. Cancelling it ends the session. */
  readonly received: ReadableStream<Piece>;
  /** Resolves when the node has begun. */
  readonly begun: Promise<void>;
  readonly verb: SessionOpen["verb"];
  readonly #clock: Clock;
  readonly #ends: Ends;
  readonly #signal: AbortSignal;
  /** What the node takes from here: nothing before it says so. */
  readonly #credit = new Credit(0);
  readonly #over = new AbortController();
  #controller!: ReadableStreamDefaultController<Piece>;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #sent = 0;
  #expected = 0;
  /** Bytes the reader has taken and the node has not been granted again. */
  #owed = 0;
  readonly #waiting: Piece[] = [];
  /** The reader waits. */
  #pulled = false;
  #hasBegun = false;
  /** What the last frame said; undefined: it has not come. */
  #end: { readonly error?: ApiError } | undefined;
  #closed = false;
  #cancelTimer: () => void;

  constructor(clock: Clock, ends: Ends, verb: SessionOpen["verb"], signal: AbortSignal) {
    this.verb = verb;
    this.#clock = clock;
    this.#ends = ends;
    this.#signal = signal;
    this.begun = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.received = new ReadableStream<Piece>({
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

  /** @param open a SessionOpen, as JSON */
  open(open: Uint8Array): void {
    if (this.#signal.aborted) return this.#aborted();
    for (let at = 0; at < open.length; at += sessionFrameBytes) {
      this.#send(channel.open, open.subarray(at, at + sessionFrameBytes), at + sessionFrameBytes < open.length ? flag.more : 0);
    }
  }

  take(frame: Frame): void {
    const { n, bytes } = frame;
    if (n < this.#expected) return; // QoS 1 may repeat
    if (n > this.#expected) {
      // What of a log is lost is said in it; of all else, nothing may be.
      if (this.verb !== "logs") return this.fail(new ApiError("InternalError", "a part of what the node sent was lost"), true);
      this.#push(channel.stdout, Buffer.from("\n[some output was lost here]\n"));
    }
    this.#expected = n + 1;
    this.#begin();
    if (frame.channel === channel.credit) this.#credit.grant(decodeCredit(bytes));
    else if (frame.channel === channel.stdout || frame.channel === channel.stderr || frame.channel === channel.exit) {
      this.#push(frame.channel, bytes, (frame.flags & flag.end) !== 0);
    } else if (frame.channel === channel.error && frame.flags & flag.end) {
      this.#end = bytes.length > 0 ? { error: errorIn(bytes) } : {};
      if (this.#end.error) this.#reject(this.#end.error); // does nothing if it had begun
      this.#close();
    }
  }
  /** To the node, as it grants. `end`: the last on this channel. @throws ApiError, or the signal's reason, when the session is over */
  async send(to: number, bytes: Uint8Array, { end = false } = {}): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const taken = await this.#credit.take(Math.min(sessionFrameBytes, bytes.length - at), this.#over.signal);
      this.#send(to, bytes.subarray(at, at + taken));
      at += taken;
    }
    if (end && !this.#closed) this.#send(to, new Uint8Array(), flag.end);
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
  #push(from: number, bytes: Uint8Array, end = false): void {
    if (this.#closed || (bytes.length === 0 && !end)) return;
    this.#waiting.push({ channel: from, bytes: Uint8Array.from(bytes), ...(end && { end }) }); // the payload's buffer is the broker's
    if (this.#pulled) this.#give();
  }
  /** One piece to the reader; or it is remembered that he waits. */
  #give(): void {
    const piece = this.#waiting.shift();
    if (piece) {
      this.#pulled = false;
      this.#controller.enqueue(piece);
      this.#owed += piece.bytes.length;
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
    this.#over.abort(new Error("the session is over"));
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
