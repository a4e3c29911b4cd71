// A watch: one JSON event a line, out of the bytes the objects already are, for as long as the client reads.
//
// Memory: events are taken from the registry only when the client has read the ones before, so that two batches at most are held here. The registry bounds
// how far a watcher may lag; a client that reads nothing at all is cut after watchStallMs.
import { forbidden, type KubernetesObject, unsupported } from "../../shared/api/resource.ts";
import { badRequest } from "../../shared/api/status.ts";
import { streamChunkBytes, watchBookmarkMs, watchKeepAliveMs, watchLastsMs, watchLingersMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { WatchEvent } from "../registry/registry.ts";
import { selector } from "../registry/select.ts";
import { concat } from "./body.ts";
import type { HttpContext, Operation } from "./context.ts";
import { isUnexpected, toStatus } from "./errors.ts";
import { count, includeOf, selection } from "./list.ts";
import { invalidOptions } from "./object.ts";
import { pullStream } from "./pull_stream.ts";
import { isTrue } from "./request.ts";
import { emptyLine, errorLine, type EventForm, eventForm, type Line } from "./watch_form.ts";

interface WatchRequest {
  /** Events after this revision; undefined: the current objects first. */
  readonly from: number | undefined;
  readonly bookmarks: boolean;
  /** The client wants to know where the current objects end (KEP-3157, WatchList). */
  readonly initialEvents: boolean;
  readonly lastsMs: number;
}

/** @throws ApiError BadRequest, Invalid; what goes wrong later is an ERROR event */
export function watchResponse({ api, c, kind, wanted }: Operation): Response {
  const { registry, clock, random, stopping, log } = api;
  const request = watchRequest(c, random), selected = selection(c, kind);
  selector(kind, selected);
  const ended = new AbortController(), end = () => ended.abort();
  // By hand, since `stopping` lives longer than any watch: what is composed with it would be kept for as long.
  stopping.addEventListener("abort", end, { once: true });
  c.req.raw.signal.addEventListener("abort", end, { once: true });
  if (stopping.aborted) end();
  const unsubscribe = endWithKind(api, kind, end);
  const query = { ...selected, ...(request.from !== undefined && { from: request.from }), progress: request.bookmarks };
  const chunks = eventChunks({
    source: registry.watch(kind, query, ended.signal),
    form: eventForm(kind, wanted, includeOf(c), clock),
    clock,
    ended: ended.signal,
    sent: (events) => api.metrics?.watched(kind, events),
    statusOf(error) {
      if (isUnexpected(error)) log.error("Watch failed", { requestId: c.get("requestId"), kind: kind.plural, error });
      return toStatus(error, c.get("requestId"));
    },
    end() {
      end();
      stopping.removeEventListener("abort", end);
      unsubscribe();
    },
  }, request);
  return new Response(pullStream(chunks, clock, end), {
    headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
  });
}

/** A custom resource's watch ends when its definition changes or goes: whoever watches begins anew, by the new schema, or hears that there is no such kind. */
function endWithKind({ kinds, clock }: Operation["api"], kind: Operation["kind"], end: () => void): () => void {
  let cancel = (): void => {};
  const unsubscribe = kinds.subscribe(() => {
    if (kinds.serves(kind)) return;
    unsubscribe();
    cancel = clock.after(watchLingersMs, end); // what came before is still on its way
  });
  return () => {
    cancel();
    unsubscribe();
  };
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

interface Watching {
  readonly source: AsyncIterable<readonly WatchEvent<KubernetesObject>[]>;
  readonly form: EventForm;
  readonly clock: Clock;
  /** Aborts when the client has gone, or the server goes. */
  readonly ended: AbortSignal;
  readonly statusOf: (error: unknown) => unknown;
  /** Told how many events go out. */
  readonly sent: (events: number) => void;
  /** Tells the source that nobody listens any more. */
  readonly end: () => void;
}

/** Events as bytes, in chunks that a slow link can pass; an empty line where nothing happens, so that nobody takes us for dead. */
async function* eventChunks(
  { source, form, clock, ended, statusOf, sent, end }: Watching,
  request: WatchRequest,
): AsyncGenerator<Uint8Array> {
  const started = clock.monotonic(), events = source[Symbol.asyncIterator]();
  let bookmarked = started, revision = request.from ?? 0, initial = request.from === undefined;
  let coming = settled(events.next());
  try {
    for (;;) {
      const left = started + request.lastsMs - clock.monotonic();
      if (left <= 0 || ended.aborted) break;
      const outcome = await within(clock, Math.min(left, watchKeepAliveMs), coming);
      if (outcome === undefined) {
        if (left <= watchKeepAliveMs) break;
        const due = request.bookmarks && revision > 0 && clock.monotonic() - bookmarked >= watchBookmarkMs;
        if (due) bookmarked = clock.monotonic();
        yield due ? joined(form.bookmark(revision)) : emptyLine;
        continue;
      }
      if ("error" in outcome) {
        if (!ended.aborted) yield joined(errorLine(statusOf(outcome.error)));
        return;
      }
      if (outcome.result.done) return;
      coming = settled(events.next());
      let parts: Uint8Array[] = [], size = 0;
      sent(outcome.result.value.length);
      for (const event of outcome.result.value) {
        revision = event.revision;
        for (const part of lineOf(event)) {
          parts.push(part);
          size += part.byteLength;
        }
        if (size < streamChunkBytes) continue;
        yield concat(parts, size);
        [parts, size] = [[], 0];
      }
      if (size > 0) yield concat(parts, size);
    }
    // The next watch can start where this one looked last, even if it saw nothing of its own.
    if (request.bookmarks && revision > 0 && !ended.aborted) yield joined(form.bookmark(revision));
  } finally {
    end();
    await events.return?.();
  }

  function lineOf(event: WatchEvent<KubernetesObject>): Line {
    if (event.type !== "BOOKMARK") return form.event(event.type, event.stored);
    if (!initial) return []; // progress: it is in `revision`, and goes out with the next bookmark
    initial = false;
    return request.initialEvents ? form.bookmark(event.revision, { "k8s.io/initial-events-end": "true" }) : [];
  }
}
const joined = (line: Line): Uint8Array => concat(line, line.reduce((sum, part) => sum + part.byteLength, 0));

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
