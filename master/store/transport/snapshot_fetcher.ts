// Fetches a snapshot from the member that offered it. A connection that breaks is made again and goes on where the last one ended; it is given up when several in
// a row bring nothing. Whether the bytes are right is for the reader of the snapshot to judge: it has a digest.
import { peerBackoff, snapshotAttempts, snapshotChunkMs } from "../../../shared/limits.ts";
import { nextDelay } from "../../../shared/util/backoff.ts";
import { type Clock, type Random, sleep } from "../../../shared/util/clock.ts";
import type { SnapshotMeta } from "../raft/message.ts";
import type { Connection } from "./connection.ts";
import { type Frame, kind, readEnd, taken, unexpected } from "./frames.ts";
import { encodeFetch } from "./snapshot_sender.ts";

/** The other side has not got it. */
class Gone extends Error {
  override name = "Gone";
}

/** @throws Error when it cannot be had; the signal's reason */
export async function* fetchSnapshot(
  { clock, random, call }: { clock: Clock; random: Random; call(attempt: number, signal: AbortSignal): Promise<Connection> },
  snapshot: SnapshotMeta,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  let offset = 0, barren = 0, delayMs = 0;
  for (let attempt = 0;; attempt++) {
    try {
      const connection = await call(attempt, signal);
      for await (const bytes of chunks(clock, connection, { snapshot, offset }, signal)) {
        offset += bytes.length;
        barren = delayMs = 0;
        yield bytes;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Gone || ++barren >= snapshotAttempts) {
        throw new Error(`Cannot fetch the snapshot at entry ${snapshot.index} beyond its byte ${offset}`, { cause: error });
      }
    }
    delayMs = nextDelay(peerBackoff, delayMs, random);
    await sleep(clock, delayMs, signal);
  }
}

/** What one connection brings. */
async function* chunks(
  clock: Clock,
  connection: Connection,
  wanted: { readonly snapshot: SnapshotMeta; readonly offset: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const stop = (): void => connection.close(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    connection.send([encodeFetch(wanted)]);
    for (let count = 0, bytes = wanted.offset;; connection.send([taken(++count)])) {
      const frame = await inTime(clock, connection);
      if (frame.kind === kind.end) {
        const total = readEnd(frame);
        if (total !== bytes) throw new Gone(`it ends after ${total} bytes there, and ${bytes} have come`);
        return;
      }
      if (frame.kind === kind.failed) throw new Gone(new TextDecoder().decode(frame.body));
      if (frame.kind !== kind.chunk) throw unexpected(frame);
      bytes += frame.body.length;
      yield frame.body;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    connection.close();
  }
}

async function inTime(clock: Clock, connection: Connection): Promise<Frame> {
  const cancel = clock.after(snapshotChunkMs, () => connection.close(new Error(`no chunk came within ${snapshotChunkMs} ms`)));
  try {
    return await connection.read();
  } finally {
    cancel();
  }
}
