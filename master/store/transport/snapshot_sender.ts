// Sends a snapshot to the member that asks for it: chunk after chunk, a few on their way at a time, from the byte on that it has not got yet.
import { snapshotChunkBytes, snapshotWindow } from "../../../shared/limits.ts";
import type { SnapshotMeta } from "../raft/message.ts";
import type { Connection } from "./connection.ts";
import { build, end, failed, fillHeader, type Frame, frameHeaderBytes, kind, read, readTaken } from "./frames.ts";
import { decodeMessage, encodeMessage } from "./message_codec.ts";
import { WireError } from "./wire.ts";

export interface Wanted {
  readonly snapshot: SnapshotMeta;
  /** Bytes of it that are there already. */
  readonly offset: number;
}

export function encodeFetch({ snapshot, offset }: Wanted): Uint8Array {
  const [message] = encodeMessage({ type: "Snapshot", from: 0, to: 0, term: 0, snapshot }) as [Uint8Array];
  return build(kind.fetch, 12 + message.length, (writer) => {
    writer.f64(offset);
    writer.raw(message);
  });
}
/** @throws WireError */
export function decodeFetch(frame: Frame): Wanted {
  return read(frame, kind.fetch, (reader) => {
    const offset = reader.whole(), message = decodeMessage(reader.rest());
    if (message.type !== "Snapshot") throw reader.error(`it asks for a ${message.type}`);
    return { offset, snapshot: message.snapshot };
  });
}

/** Resolves when all is sent or the connection is over. @throws WireError, and what `open` throws: then the other side has been told */
export async function sendSnapshot(connection: Connection, open: (snapshot: SnapshotMeta) => AsyncIterable<Uint8Array>): Promise<void> {
  const { snapshot, offset } = decodeFetch(await connection.read());
  let sent = 0, used = 0, position = 0, room = (): void => {};
  connection.listen({
    frame: (frame) => {
      const chunks = readTaken(frame);
      if (chunks > sent || chunks < used) {
        throw new WireError(`Cannot believe that ${chunks} chunks were used: ${sent} were sent, and ${used} used before`);
      }
      used = chunks;
      room();
    },
  });
  void connection.closed.then(() => room());
  try {
    for await (const bytes of open(snapshot)) {
      for (let from = Math.max(0, offset - position); from < bytes.length; from += snapshotChunkBytes) {
        while (sent - used >= snapshotWindow && !connection.isOver) await new Promise<void>((resolve) => room = resolve);
        if (connection.isOver) return;
        const header = new Uint8Array(frameHeaderBytes), pieces = [header, bytes.subarray(from, from + snapshotChunkBytes)];
        fillHeader(pieces, kind.chunk);
        connection.send(pieces);
        sent++;
      }
      position += bytes.length;
    }
  } catch (error) {
    connection.send([failed(error instanceof Error ? error.message : String(error))]);
    throw error;
  }
  connection.send([end(position)]);
}
