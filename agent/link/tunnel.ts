// The node's end of tunnel sessions (logs, exec, attach, forwarded connections): frames in, frames out, over the one connection there is. Each session sends
// only what it has credit for, so none can drown the link or another; who hears nothing for the idle time ends it.
import { Buffer } from "node:buffer";
import {
  nodeForwards,
  nodeSessions,
  sessionCreditBytes,
  sessionFrameBytes,
  sessionIdleMs,
  sessionOpenBytes,
  sessionWaitingFrames,
} from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { channel, Credit, decodeCredit, decodeFrame, encodeCredit, encodeFrame, flag, type Frame } from "../../shared/wire/frames.ts";
import { parse, SessionOpen } from "../../shared/wire/messages.ts";

/** What cannot be done, with a reason of metav1.Status. */
export class TunnelError extends Error {
  override name = "TunnelError";
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A session, as whoever serves it sees it. */
export interface Dialogue {
  /** Aborts when the other side has ended it, or is gone. */
  readonly signal: AbortSignal;
  /** Says that it has begun; what fails before is the answer to the request. `input`: the other side may send. */
  begin(options?: { readonly input: boolean }): void;
  /** Resolves when all of it has been sent, which waits for credit. `end`: the last on this channel. @throws the signal's reason */
  send(channel: number, bytes: Uint8Array, options?: { readonly end?: boolean }): Promise<void>;
  /** What the other side sends, in order; ends with the session. Who takes a piece grants as much again. */
  input(): AsyncIterable<Frame>;
}
/** Serves one session to its end. @throws TunnelError */
export type Verb = (open: SessionOpen, dialogue: Dialogue) => Promise<void>;
export type Verbs = Readonly<Partial<Record<SessionOpen["verb"], Verb>>>;

/** Output of a container, as it was asked for. @throws TunnelError before the first byte if there is none */
export type Reading = (open: SessionOpen, signal: AbortSignal) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
/** A verb that only reads. */
export const reading = (read: Reading): Verb => async (open, { signal, begin, send }) => {
  const output = await read(open, signal);
  begin();
  for await (const chunk of output) await send(channel.stdout, chunk);
};

export interface TunnelNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly send: (session: string, frame: Uint8Array) => void;
}

export class Tunnel {
  readonly #needs: TunnelNeeds;
  readonly #verbs: Verbs;
  readonly #running = new Map<string, Running>();
  readonly #opening = new Map<string, Buffer>();

  constructor(needs: TunnelNeeds, verbs: Verbs) {
    this.#needs = needs;
    this.#verbs = verbs;
  }

  frame(session: string, payload: Uint8Array): void {
    const frame = decodeFrame(payload), running = this.#running.get(session);
    if (!frame) return;
    if (frame.channel === channel.open) return void (running || this.#opens(session, frame));
    running?.take(frame);
  }

  /** The connection is gone, and with it whoever listened. */
  disconnected(): void {
    for (const running of this.#running.values()) running.stop("the connection is gone");
    this.#opening.clear();
  }

  /** What opens a session may come in several frames. */
  #opens(session: string, { flags, bytes }: Frame): void {
    const all = Buffer.concat([this.#opening.get(session) ?? Buffer.alloc(0), bytes]);
    this.#opening.delete(session);
    if (flags & flag.more && all.length <= sessionOpenBytes) {
      if (this.#opening.size < nodeSessions) this.#opening.set(session, all); // the rest of another is no JSON, and refused
    } else this.#open(session, all);
  }

  #open(session: string, bytes: Uint8Array): void {
    const open = parse(SessionOpen, bytes), verb = open && this.#verbs[open.verb];
    let n = 0;
    const send: Send = (on, body = new Uint8Array(), flags = 0) =>
      this.#needs.send(session, encodeFrame({ n: n++, channel: on, flags, bytes: body }));
    const fail = (reason: string, message: string): void => send(channel.error, Buffer.from(JSON.stringify({ reason, message })), flag.end);
    if (!open || !verb) return fail("BadRequest", `this agent knows no ${open?.verb ?? "such session"}`);
    const most = open.verb === "portforward" ? nodeForwards : nodeSessions;
    const alike = [...this.#running.values()].filter((one) => (one.verb === "portforward") === (open.verb === "portforward"));
    if (alike.length >= most) return fail("TooManyRequests", `${most} sessions are open on this node already`);
    const running = new Running(this.#needs.clock, send, open);
    this.#running.set(session, running);
    void this.#run(open, verb, running, send, fail).finally(() => {
      running.over();
      this.#running.delete(session);
    });
  }

  async #run(
    open: SessionOpen,
    verb: Verb,
    running: Running,
    send: Send,
    fail: (reason: string, message: string) => void,
  ): Promise<void> {
    try {
      await verb(open, running);
      send(channel.error, undefined, flag.end);
    } catch (error) {
      if (running.signal.aborted) return; // the other side knows, or is gone
      if (error instanceof TunnelError) return fail(error.reason, error.message);
      this.#needs.log.warn("A session failed", { verb: open.verb, pod: open.podUid, error: chain(error) });
      fail("InternalError", "the agent could not read it; its log says why");
    }
  }
}

type Send = (on: number, body?: Uint8Array, flags?: number) => void;

class Running implements Dialogue {
  readonly signal: AbortSignal;
  readonly verb: SessionOpen["verb"];
  readonly #clock: Clock;
  readonly #send: Send;
  readonly #credit: Credit;
  readonly #stop = new AbortController();
  readonly #waiting: Frame[] = [];
  #waitingBytes = 0;
  #owed = 0;
  #isOver = false;
  #woken = (): void => {};
  #cancelIdle = (): void => {};

  constructor(clock: Clock, send: Send, { verb, credit }: SessionOpen) {
    this.verb = verb;
    this.#clock = clock;
    this.#send = send;
    this.#credit = new Credit(credit);
    this.signal = this.#stop.signal;
    this.#listen();
  }

  readonly begin: Dialogue["begin"] = ({ input } = { input: false }) => {
    this.#send(channel.open);
    if (input) this.#send(channel.credit, encodeCredit(sessionCreditBytes));
  };
  readonly send: Dialogue["send"] = async (on, bytes, { end = false } = {}) => {
    for (let at = 0; at < bytes.length;) {
      const taken = await this.#credit.take(Math.min(sessionFrameBytes, bytes.length - at), this.signal);
      this.#send(on, bytes.subarray(at, at + taken));
      at += taken;
    }
    if (end) this.#send(on, undefined, flag.end);
  };
  readonly input: Dialogue["input"] = () => this.#input();
  async *#input(): AsyncIterable<Frame> {
    while (!this.#isOver) {
      const frame = this.#waiting.shift();
      if (!frame) {
        await new Promise<void>((resolve) => void (this.#woken = resolve));
        continue;
      }
      yield frame; // and only when the next one is asked for has it been taken
      this.#waitingBytes -= frame.bytes.length;
      this.#owed += frame.bytes.length;
      if (this.#owed < sessionCreditBytes / 4 || this.#isOver) continue;
      this.#send(channel.credit, encodeCredit(this.#owed));
      this.#owed = 0;
    }
  }

  take(frame: Frame): void {
    this.#listen();
    if (frame.channel === channel.credit) return this.#credit.grant(decodeCredit(frame.bytes));
    if (frame.channel === channel.error && frame.flags & flag.end) return this.stop("the other side ended the session");
    this.#waitingBytes += frame.bytes.length;
    if (this.#waitingBytes > sessionCreditBytes || this.#waiting.length >= sessionWaitingFrames) {
      return this.stop("the other side sent more than it was granted");
    }
    this.#waiting.push({ ...frame, bytes: Uint8Array.from(frame.bytes) }); // the payload's buffer is the client's
    this.#woken();
  }
  stop(why: string): void {
    this.#stop.abort(new Error(why));
    this.over();
  }
  /** Nothing more is sent or taken. */
  over(): void {
    this.#isOver = true;
    this.#cancelIdle();
    this.#woken();
  }
  #listen(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#clock.after(sessionIdleMs, () => this.stop("nothing was heard for too long"));
  }
}
