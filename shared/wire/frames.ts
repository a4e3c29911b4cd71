// Binary frames of a tunnel session (logs, exec, attach, a forwarded connection) on the topics d/c/S and u/c/S. The broker gives no flow control, so the
// receiver grants bytes: a side sends data only while it has credit, and stops in the middle of a file if it must.
//
//   frame  n u32 | channel u8 | flags u8 | bytes ≤ 8 KiB          (little endian; n counts the frames of one direction from 0)
//
// The master begins with a SessionOpen (JSON) on `open`, in several frames if it is long: all but the last have flag `more`. The node answers at once: an empty frame on `open` if it begins, or one on
// `error` if it cannot. Where it takes input it grants credit for that next. Data goes on `stdin`, `resize`, `stdout` and `stderr`; flag `end` on `stdin` closes
// it, and nothing else; of a forwarded connection, `end` on `stdout` says the same of the pod's side. How a process has ended, the node says on `exit` (i32),
// after its output. A frame on `error` with flag `end` is the last one of its sender: empty if all went well, else what
// is wrong as JSON {"reason": a reason of metav1.Status, "message"}. Whoever gets it, or sends it, forgets the session. The master sends a frame on `credit`
// at least every third of the idle time (granting 0 keeps the session alive); a node that hears nothing for the idle time ends it.

import { sessionFrameBytes } from "../limits.ts";

/** Channels 0–4 are those of Kubernetes' v5.channel.k8s.io; ours lie above. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, open: 16, credit: 17, exit: 18 } as const;
export const flag = { /** No more on this channel. */ end: 1, /** Of `open`: it goes on in the next frame. */ more: 2 } as const;

export interface Frame {
  readonly n: number;
  readonly channel: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
}

const headerBytes = 6;

export function encodeFrame({ n, channel, flags, bytes }: Frame): Uint8Array {
  const out = new Uint8Array(headerBytes + bytes.length), view = new DataView(out.buffer);
  view.setUint32(0, n, true);
  out[4] = channel;
  out[5] = flags;
  out.set(bytes, headerBytes);
  return out;
}

/** @returns undefined for what is too short or too long to be a frame */
export function decodeFrame(payload: Uint8Array): Frame | undefined {
  if (payload.length < headerBytes || payload.length > headerBytes + sessionFrameBytes) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { n: view.getUint32(0, true), channel: payload[4]!, flags: payload[5]!, bytes: payload.subarray(headerBytes) };
}

/** The bytes a credit frame grants. */
export function encodeCredit(grant: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, grant, true);
  return out;
}
export const decodeCredit = (bytes: Uint8Array): number =>
  bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) : 0;

/** How a process has ended. */
export function encodeExit(code: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setInt32(0, code, true);
  return out;
}
/** Undefined for what is none. */
export const decodeExit = (bytes: Uint8Array): number | undefined =>
  bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true) : undefined;

/** Bytes that may still be sent. `take` waits until there are some and says how many of the wanted. */
export class Credit {
  #bytes: number;
  readonly #waiting = new Set<() => void>();

  constructor(bytes: number) {
    this.#bytes = bytes;
  }
  grant(bytes: number): void {
    this.#bytes += bytes;
    for (const go of [...this.#waiting]) go();
  }
  /** At least one byte, at most `wanted`. @throws the signal's reason */
  async take(wanted: number, signal: AbortSignal): Promise<number> {
    while (this.#bytes === 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const go = () => {
          signal.removeEventListener("abort", go);
          this.#waiting.delete(go);
          resolve();
        };
        this.#waiting.add(go);
        signal.addEventListener("abort", go, { once: true });
      });
    }
    signal.throwIfAborted();
    const taken = Math.min(wanted, this.#bytes);
    this.#bytes -= taken;
    return taken;
  }
}
