// The node's end of tunnel sessions (logs; later exec, attach, port-forward, cp): frames in, frames out, over the one connection there is. Each session sends
// only what it has credit for, so none can drown the link or another; who hears nothing for the idle time ends it.
import { Buffer } from "node:buffer";
import { nodeSessions, sessionFrameBytes, sessionIdleMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { channel, Credit, decodeCredit, decodeFrame, encodeFrame, flag, type Frame } from "../../shared/wire/frames.ts";
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

/** Output of a container, as it was asked for. @throws TunnelError before the first byte if there is none */
export type Verb = (open: SessionOpen, signal: AbortSignal) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

interface Running {
  readonly stop: AbortController;
  readonly credit: Credit;
  cancelIdle: () => void;
}

export type Verbs = Readonly<Partial<Record<SessionOpen["verb"], Verb>>>;
export interface TunnelNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly send: (session: string, frame: Uint8Array) => void;
}

export class Tunnel {
  readonly #needs: TunnelNeeds;
  readonly #verbs: Verbs;
  readonly #running = new Map<string, Running>();

  constructor(needs: TunnelNeeds, verbs: Verbs) {
    this.#needs = needs;
    this.#verbs = verbs;
  }

  frame(session: string, payload: Uint8Array): void {
    const frame = decodeFrame(payload), running = this.#running.get(session);
    if (!frame) return;
    if (frame.channel === channel.open) return void (running || this.#open(session, frame));
    if (!running) return;
    running.cancelIdle();
    running.cancelIdle = this.#idle(running);
    if (frame.channel === channel.credit) running.credit.grant(decodeCredit(frame.bytes));
    else if (frame.channel === channel.error && frame.flags & flag.end) running.stop.abort(new Error("the other side ended the session"));
  }

  /** The connection is gone, and with it whoever listened. */
  disconnected(): void {
    for (const { stop } of this.#running.values()) stop.abort(new Error("the connection is gone"));
  }

  #open(session: string, { bytes }: Frame): void {
    const open = parse(SessionOpen, bytes), verb = open && this.#verbs[open.verb];
    let n = 0;
    const send = (on: number, body: Uint8Array = new Uint8Array(), flags = 0): void =>
      this.#needs.send(session, encodeFrame({ n: n++, channel: on, flags, bytes: body }));
    const fail = (reason: string, message: string): void => send(channel.error, Buffer.from(JSON.stringify({ reason, message })), flag.end);
    if (!open || !verb) return fail("BadRequest", `this agent knows no ${open?.verb ?? "such session"}`);
    if (this.#running.size >= nodeSessions) return fail("TooManyRequests", `${nodeSessions} sessions are open on this node already`);
    const running: Running = { stop: new AbortController(), credit: new Credit(open.credit), cancelIdle: () => {} };
    running.cancelIdle = this.#idle(running);
    this.#running.set(session, running);
    void this.#run(open, verb, running, send, fail).finally(() => {
      running.cancelIdle();
      this.#running.delete(session);
    });
  }

  async #run(
    open: SessionOpen,
    verb: Verb,
    running: Running,
    send: (on: number, body?: Uint8Array, flags?: number) => void,
    fail: (reason: string, message: string) => void,
  ): Promise<void> {
    const { signal } = running.stop;
    try {
      const output = await verb(open, signal);
      send(channel.open);
      for await (const chunk of output) {
        for (let at = 0; at < chunk.length;) {
          const taken = await running.credit.take(Math.min(sessionFrameBytes, chunk.length - at), signal);
          send(channel.stdout, chunk.subarray(at, at + taken));
          at += taken;
        }
      }
      send(channel.error, undefined, flag.end);
    } catch (error) {
      if (signal.aborted) return; // the other side knows, or is gone
      if (error instanceof TunnelError) return fail(error.reason, error.message);
      this.#needs.log.warn("A session failed", { verb: open.verb, pod: open.podUid, error: chain(error) });
      fail("InternalError", "the agent could not read it; its log says why");
    }
  }

  #idle(running: Running): () => void {
    return this.#needs.clock.after(sessionIdleMs, () => running.stop.abort(new Error("nothing was heard for too long")));
  }
}
