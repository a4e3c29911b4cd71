// A generator as a response's body: it runs as far as the client has read, and ends when the client does.
import { watchStallMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";

/** @param stop wakes the generator so that it ends: called when the client goes, and when it has taken nothing for watchStallMs */
export function pullStream(chunks: AsyncGenerator<Uint8Array>, clock: Clock, stop: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  let cancelTimer = () => {};
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(stream) {
      cancelTimer();
      const { done, value } = await chunks.next();
      if (done) return stream.close();
      stream.enqueue(value as Uint8Array<ArrayBuffer>);
      cancelTimer = clock.after(watchStallMs, () => {
        stop();
        stream.error(new Error(`Cannot stream: the client has read nothing for ${watchStallMs} ms`));
      });
    },
    async cancel() {
      cancelTimer();
      stop();
      await chunks.return(undefined);
    },
  }, { highWaterMark: 0 }); // nothing is taken from the generator before somebody asks for it
}
