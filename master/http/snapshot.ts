// A backup of the store, for who looks after the cluster: /skerry/v1/snapshot. Not a kind either. It comes from a file that this master has just written, so that a
// reader who is slow, or goes, holds up nothing.
import { Hono } from "hono";
import { ApiError } from "../../shared/api/status.ts";
import { backupsAtOnce } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { inStoreWords } from "../registry/errors.ts";
import type { BackupSource } from "../store/replica_needs.ts";
import type { Env } from "./context.ts";
import { methodNotAllowed } from "./errors.ts";
import { pullStream } from "./pull_stream.ts";

export function snapshotRoutes(backup: () => Promise<BackupSource>, clock: Clock): Hono<Env> {
  const routes = new Hono<Env>();
  let underWay = 0;
  routes.get("/", async (c) => {
    // Nobody would end the body of an answer to HEAD.
    if (c.req.method !== "GET") throw methodNotAllowed();
    if (underWay >= backupsAtOnce) {
      throw new ApiError("TooManyRequests", `Cannot send a snapshot: ${underWay} are being sent, which is the limit. Try again later`);
    }
    underWay++;
    let over = false;
    const end = (): void => {
      if (!over) underWay--;
      over = true;
    };
    try {
      const { size, bytes } = await inStoreWords(backup());
      c.req.raw.signal.throwIfAborted();
      const chunks = untilEnd(bytes(), end);
      const stop = (): void => {
        end();
        void chunks.return(undefined);
      };
      return new Response(pullStream(chunks, clock, stop), {
        headers: { "content-type": "application/octet-stream", "content-length": String(size) },
      });
    } catch (error) {
      end();
      throw error;
    }
  });
  return routes;
}

async function* untilEnd(bytes: AsyncIterable<Uint8Array>, end: () => void): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* bytes;
  } finally {
    end();
  }
}
