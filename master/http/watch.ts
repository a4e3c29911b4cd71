// A watch: one JSON event a line, out of the bytes the objects already are, for as long as the client reads.
//
// Memory: events are taken from the registry only when the client has read the ones before (a pull stream without a buffer of its own), so one batch at most
// is held here. The registry bounds how far a watcher may lag. A client that does not read at all is cut after watchStallMs.
import { Buffer } from "node:buffer";
import { apiVersionOf, forbidden, type Kind, type KubernetesObject, unsupported } from "../../shared/api/resource.ts";
import { badRequest } from "../../shared/api/status.ts";
import { streamChunkBytes, watchBookmarkMs, watchKeepAliveMs, watchLastsMs, watchStallMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Stored, WatchEvent } from "../registry/registry.ts";
import { concat } from "./body.ts";
import type { HttpContext } from "./context.ts";
import { toStatus } from "./errors.ts";
import { count, includeOf, selection } from "./list.ts";
import type { Wanted } from "./negotiate.ts";
import { invalidOptions } from "./object.ts";
import { isTrue } from "./request.ts";
import type { Operation } from "./resource.ts";
import { columnDefinitions, partialMetadata, row, table } from "./table.ts";

interface WatchRequest {
  /** Events after this revision; undefined: the current objects first. */
  readonly from: number | undefined;
  readonly bookmarks: boolean;
  /** The client wants to know where the current objects end (WatchList). */
  readonly initialEvents: boolean;
  readonly lastsMs: number;
}

/** @throws ApiError BadRequest, Invalid; what goes wrong later is an ERROR event */
export function watchResponse({ api, c, kind, wanted }: Operation): Response {
  const { registry, clock, random, stopping, log } = api;
  const request = watchRequest(c, random);
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, stopping, c.req.raw.signal]);
  const query = { ...selection(c, kind), ...(request.from !== undefined && { from: request.from }), progress: request.bookmarks };
  const render = renderer(c, kind, wanted, clock);
  const chunks = eventChunks(registry.watch(kind, query, signal), request, render, clock, (error) => {
    const status = toStatus(error, c.var.requestId);
    if (status.code === 500) log.error("Watch failed", { requestId: c.var.requestId, kind: kind.plural, error });
    return status;
  }, signal);
  return new Response(pullStream(chunks, clock, () => gone.abort()), {
    headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
  });
}

function watchRequest(c: HttpContext, random: () => number): WatchRequest {
  const { query } = c.var;
  const resourceVersion = query.get("resourceVersion") ?? "", match = query.get("resourceVersionMatch");
  if (!/^\d*$/.test(resourceVersion)) {
    throw badRequest(`resourceVersion is ${JSON.stringify(resourceVersion)}, but must be a number that this server gave out`);
  }
  const bookmarks = isTrue(query.get("allowWatchBookmarks"));
  const asked = query.has("sendInitialEvents"), initialEvents = isTrue(query.get("sendInitialEvents"));
  if (asked && match !== "NotOlderThan") {
    throw invalidOptions(
      c,
      match === null
        ? forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        : unsupported("resourceVersionMatch", match, ["NotOlderThan"]),
    );
  }
  if (!asked && match !== null) {
    throw invalidOptions(
      c,
      forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    );
  }
  if (initialEvents && !bookmarks) {
    throw invalidOptions(c, forbidden("sendInitialEvents", "sendInitialEvents requires allowWatchBookmarks"));
  }
  const [least, most] = watchLastsMs, seconds = count(query, "timeoutSeconds");
  return {
    from: initialEvents || resourceVersion === "" || resourceVersion === "0" ? undefined : Number(resourceVersion),
    bookmarks,
    initialEvents,
    lastsMs: seconds > 0 ? seconds * 1000 : least + random() * (most - least),
  };
}

/** How events look on the wire in the form the client wants. */
interface Renderer {
  event(type: string, stored: Stored): Uint8Array[];
  bookmark(revision: number, annotations?: Record<string, string>): Uint8Array[];
}
const lines = {
  ADDED: head("ADDED"),
  MODIFIED: head("MODIFIED"),
  DELETED: head("DELETED"),
  BOOKMARK: head("BOOKMARK"),
  ERROR: head("ERROR"),
};
const end = Buffer.from("}\n"), keepAlive = Buffer.from("\n");
function head(type: string): Uint8Array {
  return Buffer.from(`{"type":"${type}","object":`);
}
const line = (type: keyof typeof lines, object: unknown): Uint8Array[] => [lines[type], Buffer.from(JSON.stringify(object)), end];

function renderer(c: HttpContext, kind: Kind, wanted: Wanted, clock: Clock): Renderer {
  const type = { kind: kind.kind, apiVersion: apiVersionOf(kind) };
  const metaVersion = `meta.k8s.io/${wanted.version}`;
  const mark = (revision: number, annotations?: Record<string, string>) => ({
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(annotations && { annotations }),
  });
  switch (wanted.form) {
    case "table": {
      const include = includeOf(c);
      let columns = columnDefinitions(kind); // in the first event only
      const event = (revision: number, rows: Parameters<typeof table>[3]) => {
        const made = table(wanted.version, { resourceVersion: String(revision) }, columns, rows);
        columns = [];
        return made;
      };
      return {
        // Not kept for other watchers: the age in a row is that of this moment.
        event: (type, stored) =>
          line(type as keyof typeof lines, event(stored.revision, [row(stored, clock.now(), include, wanted.version)])),
        bookmark: (revision, annotations) => {
          if (!annotations) return line("BOOKMARK", event(revision, []));
          const object = { kind: "PartialObjectMetadata", apiVersion: metaVersion, metadata: mark(revision, annotations) };
          return line("BOOKMARK", event(revision, [{ cells: columnDefinitions(kind).map(() => ""), object }]));
        },
      };
    }
    case "metadata":
      return {
        event: (type, stored) => [lines[type as keyof typeof lines], metadataBytes(stored, wanted.version), end],
        bookmark: (revision, annotations) =>
          line("BOOKMARK", { kind: "PartialObjectMetadata", apiVersion: metaVersion, metadata: mark(revision, annotations) }),
      };
    default:
      return {
        event: (type, stored) => [lines[type as keyof typeof lines], stored.bytes(), end],
        bookmark: (revision, annotations) => line("BOOKMARK", { ...type, metadata: mark(revision, annotations) }),
      };
  }
}
/** Serialised once an object, for all who watch its metadata. */
const metadataOf = new WeakMap<Stored, Uint8Array>();
function metadataBytes(stored: Stored, version: string): Uint8Array {
  let bytes = metadataOf.get(stored);
  if (!bytes) metadataOf.set(stored, bytes = Buffer.from(JSON.stringify(partialMetadata(stored, version))));
  return bytes;
}

/** Events as bytes, in chunks that a slow link can pass; an empty line where nothing happens, so that nobody takes us for dead. */
async function* eventChunks(
  source: AsyncIterable<readonly WatchEvent<KubernetesObject>[]>,
  request: WatchRequest,
  render: Renderer,
  clock: Clock,
  statusOf: (error: unknown) => unknown,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const started = clock.monotonic();
  let bookmarked = started, revision = request.from ?? 0, initial = request.from === undefined;
  const events = source[Symbol.asyncIterator]();
  let coming = settled(events.next());
  try {
    while (!signal.aborted) {
      const left = started + request.lastsMs - clock.monotonic();
      if (left <= 0) break;
      const outcome = await within(clock, Math.min(left, watchKeepAliveMs), coming);
      if (outcome === undefined) {
        const due = request.bookmarks && clock.monotonic() - bookmarked >= watchBookmarkMs && revision > 0;
        if (due) bookmarked = clock.monotonic();
        yield due ? joined(render.bookmark(revision)) : keepAlive;
        continue;
      }
      if ("error" in outcome) {
        if (!signal.aborted) yield joined(line("ERROR", statusOf(outcome.error)));
        return;
      }
      if (outcome.result.done) return;
      coming = settled(events.next());
      let parts: Uint8Array[] = [], size = 0;
      for (const event of outcome.result.value) {
        revision = event.revision;
        let made: Uint8Array[] = [];
        if (event.type !== "BOOKMARK") made = render.event(event.type, event.stored);
        else if (initial) {
          initial = false;
          if (request.initialEvents) made = render.bookmark(revision, { "k8s.io/initial-events-end": "true" });
        }
        for (const part of made) {
          parts.push(part);
          size += part.byteLength;
        }
        if (size >= streamChunkBytes) {
          yield concat(parts, size);
          [parts, size] = [[], 0];
        }
      }
      if (size > 0) yield concat(parts, size);
    }
    // The next watch can start where this one has looked last, even if it saw nothing of its own.
    if (request.bookmarks && revision > 0 && !signal.aborted) yield joined(render.bookmark(revision));
  } finally {
    await events.return?.();
  }
}
const joined = (parts: Uint8Array[]): Uint8Array => concat(parts, parts.reduce((sum, part) => sum + part.byteLength, 0));

type Settled<T> = { readonly result: T } | { readonly error: unknown };
const settled = <T>(work: Promise<T>): Promise<Settled<T>> => work.then((result) => ({ result }), (error) => ({ error }));

/** What `work` comes to, or undefined if it takes longer. */
function within<T>(clock: Clock, timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => resolve(undefined));
    void work.then((value) => {
      cancel();
      resolve(value);
    });
  });
}

/** Hands a generator out as the client reads. `stop` is called when the client goes, or does not read for watchStallMs. */
export function pullStream(chunks: AsyncGenerator<Uint8Array>, clock: Clock, stop: () => void): ReadableStream<Uint8Array> {
  let cancel = () => {};
  return new ReadableStream<Uint8Array>({
    async pull(stream) {
      cancel();
      const { done, value } = await chunks.next();
      if (done) return stream.close();
      stream.enqueue(value);
      cancel = clock.after(watchStallMs, () => {
        stop();
        stream.error(new Error(`Cannot stream: the client has read nothing for ${watchStallMs} ms`));
      });
    },
    async cancel() {
      cancel();
      stop();
      await chunks.return(undefined);
    },
  }, { highWaterMark: 0 });
}
