// The same for watches: what a broken hub would have delivered.
import type { StoreEvent } from "../../master/store/store.ts";
import type { Random } from "../../shared/util/clock.ts";
import { type Edit, otherItem } from "./edits.ts";
import type { Sample } from "./generate.ts";
import type { Delivery, Watch, WatchStream } from "./history.ts";
import { eventLog, type LoggedRevision } from "./watches.ts";

interface Place {
  readonly watch: Watch;
  readonly stream: WatchStream;
  /** Position of the delivery. */
  readonly at: number;
}
const chosen = <T>(list: readonly T[], random: Random): T | undefined => list[Math.floor(random() * list.length)];
const logOf = ({ committed, initial }: Sample): readonly LoggedRevision[] => eventLog(committed, initial).revisions;
const headOf = ({ committed, initial }: Sample): number => committed.at(-1)?.revision ?? initial.revision;

/** Deliveries, those alone that `fits` takes. */
function places(sample: Sample, fits: (delivery: Delivery, place: Place) => unknown): Place[] {
  return sample.history.watches.flatMap((watch) =>
    watch.streams.flatMap((stream) =>
      stream.deliveries.flatMap((delivery, at) => fits(delivery, { watch, stream, at }) ? [{ watch, stream, at }] : [])
    )
  );
}
const hasEvents = ({ batch }: Delivery): boolean => batch.events.length > 0;
const isMark = ({ batch }: Delivery): boolean => batch.events.length === 0;
const deliveryOf = ({ stream, at }: Place): Delivery => stream.deliveries[at]!;

function withStream(sample: Sample, watch: Watch, old: WatchStream, by: WatchStream): Sample {
  const changed = { ...watch, streams: watch.streams.map((stream) => stream === old ? by : stream) };
  return { ...sample, history: { ...sample.history, watches: sample.history.watches.map((one) => one === watch ? changed : one) } };
}
function withDeliveries(sample: Sample, { watch, stream, at }: Place, count: number, ...by: Delivery[]): Sample {
  return withStream(sample, watch, stream, { ...stream, deliveries: stream.deliveries.toSpliced(at, count, ...by) });
}
const withEvents = (sample: Sample, place: Place, events: readonly StoreEvent[]): Sample =>
  withDeliveries(sample, place, 1, { ...deliveryOf(place), batch: { ...deliveryOf(place).batch, events } });
const withRevision = (sample: Sample, place: Place, revision: number): Sample =>
  withDeliveries(sample, place, 1, { ...deliveryOf(place), batch: { ...deliveryOf(place).batch, revision } });

/** Whether something later shows that this delivery should have come. */
function isMissed({ watch, stream, at }: Place): boolean {
  const isLast = stream === watch.streams.at(-1);
  return at + 1 < stream.deliveries.length || (isLast ? stream.end.is === "open" : stream.end.is === "cut");
}
/** Whether history may have been given up before the delivery. */
const mayBeGone = (sample: Sample, { batch, at }: Delivery): boolean =>
  sample.compactions.some((compaction) => compaction.revision >= batch.revision && compaction.at <= at);

function eventEdit(
  sample: Sample,
  random: Random,
  fits: (event: StoreEvent, delivery: Delivery) => unknown,
  change: (event: StoreEvent) => StoreEvent,
) {
  const place = chosen(places(sample, (delivery) => delivery.batch.events.some((event) => fits(event, delivery))), random);
  if (!place) return undefined;
  const { events } = deliveryOf(place).batch, event = chosen(events.filter((event) => fits(event, deliveryOf(place))), random)!;
  return withEvents(sample, place, events.map((one) => one === event ? change(one) : one));
}

export const watchEdits: Readonly<Record<string, Edit>> = {
  "a gap"(sample, random) {
    const place = chosen(places(sample, (delivery, place) => hasEvents(delivery) && isMissed(place)), random);
    return place && withDeliveries(sample, place, 1);
  },
  "a batch delivered twice"(sample, random) {
    const place = chosen(places(sample, hasEvents), random);
    return place && withDeliveries(sample, place, 1, deliveryOf(place), deliveryOf(place));
  },
  "a batch delivered again later"(sample, random) {
    const place = chosen(places(sample, (delivery, { stream, at }) => hasEvents(delivery) && at + 1 < stream.deliveries.length), random);
    return place &&
      withDeliveries(sample, { ...place, at: place.stream.deliveries.length }, 0, {
        ...deliveryOf(place),
        at: place.stream.deliveries.at(-1)!.at,
      });
  },
  "two batches reordered"(sample, random) {
    const place = chosen(
      places(sample, (a, { stream, at }) => stream.deliveries[at + 1] && a.batch.revision < stream.deliveries[at + 1]!.batch.revision),
      random,
    );
    if (!place) return undefined;
    const [a, b] = [deliveryOf(place), place.stream.deliveries[place.at + 1]!];
    return withDeliveries(sample, place, 2, { ...a, batch: b.batch }, { ...b, batch: a.batch });
  },
  "a revision split in two"(sample, random) {
    const place = chosen(places(sample, ({ batch }) => batch.events.length > 1), random);
    if (!place) return undefined;
    const delivery = deliveryOf(place), { revision, events } = delivery.batch;
    const part = (events: readonly StoreEvent[]): Delivery => ({ ...delivery, batch: { revision, events } });
    return withDeliveries(sample, place, 1, part(events.slice(0, 1)), part(events.slice(1)));
  },
  "two revisions in one batch"(sample, random) {
    const place = chosen(
      places(sample, (a, { stream, at }) => hasEvents(a) && stream.deliveries[at + 1] && hasEvents(stream.deliveries[at + 1]!)),
      random,
    );
    if (!place) return undefined;
    const [a, b] = [deliveryOf(place), place.stream.deliveries[place.at + 1]!];
    return withDeliveries(sample, place, 2, { ...b, batch: { ...b.batch, events: [...a.batch.events, ...b.batch.events] } });
  },
  "half a revision"(sample, random) {
    const place = chosen(places(sample, ({ batch }) => batch.events.length > 1), random);
    return place && withEvents(sample, place, deliveryOf(place).batch.events.slice(1));
  },
  "events of a revision out of order"(sample, random) {
    const place = chosen(places(sample, ({ batch }) => batch.events.length > 1), random);
    return place && withEvents(sample, place, deliveryOf(place).batch.events.toReversed());
  },
  "an event of another prefix"(sample, random) {
    const place = chosen(places(sample, (delivery, { watch }) => hasEvents(delivery) && watch.prefix !== ""), random);
    if (!place) return undefined;
    const { events } = deliveryOf(place).batch, [event] = events, key = `x${event!.key}`;
    return withEvents(sample, place, [...events, { ...event!, key, current: { ...event!.current, key } }]);
  },
  "an event with another item": (sample, random) =>
    eventEdit(sample, random, () => true, (event) => ({ ...event, current: otherItem(event.current, random) })),
  "an event of another kind": (sample, random) =>
    eventEdit(sample, random, () => true, (event) => ({ ...event, type: event.type === "put" ? "delete" : "put" })),
  "another previous item": (sample, random) =>
    eventEdit(sample, random, (event) => event.previous, (event) => ({ ...event, previous: otherItem(event.previous!, random) })),
  "a previous item where there was none": (sample, random) =>
    eventEdit(sample, random, (event) => !event.previous, (event) => ({ ...event, previous: event.current })),
  "a previous item left out": (sample, random) =>
    eventEdit(sample, random, (event, delivery) => event.previous && !mayBeGone(sample, delivery), ({ previous: _, ...event }) => event),
  "a mark before its events"(sample, random) {
    const place = chosen(
      places(sample, (mark, { stream, at }) => isMark(mark) && stream.deliveries[at + 1] && hasEvents(stream.deliveries[at + 1]!)),
      random,
    );
    return place && withRevision(sample, place, place.stream.deliveries[place.at + 1]!.batch.revision);
  },
  "a mark from the future"(sample, random) {
    const place = chosen(places(sample, isMark), random);
    return place && withRevision(sample, place, headOf(sample) + 1);
  },
  "a mark that goes back"(sample, random) {
    const place = chosen(places(sample, (delivery, { at }) => isMark(delivery) && at > 0), random);
    return place && withRevision(sample, place, place.stream.deliveries[place.at - 1]!.batch.revision - 1);
  },
  "a batch under another revision"(sample, random) {
    const place = chosen(places(sample, hasEvents), random);
    return place && withRevision(sample, place, deliveryOf(place).batch.revision + (random() < 0.5 ? 1 : -1));
  },
  "a batch before its commit"(sample, random) {
    const log = new Map(logOf(sample).map((logged) => [logged.revision, logged]));
    const place = chosen(places(sample, hasEvents), random);
    if (!place) return undefined;
    const delivery = deliveryOf(place);
    return withDeliveries(sample, place, 1, { ...delivery, at: log.get(delivery.batch.revision)!.since - 0.5 });
  },
  "a resumption that leaves something out"(sample, random) {
    const watch = chosen(
      sample.history.watches.filter(({ streams }) => streams.slice(0, -1).some(({ end }) => end.is === "cut")),
      random,
    );
    const stream = watch && chosen(watch.streams.filter((_, at) => watch.streams[at - 1]?.end.is === "cut"), random);
    return stream && withStream(sample, watch, stream, { ...stream, from: stream.from + 1 });
  },
  "compacted where nobody compacted"(sample, random) {
    const watch = chosen(sample.history.watches, random), stream = watch && chosen(watch.streams, random);
    const compacted = new Set(sample.compactions.map(({ revision }) => revision));
    const revision = Array.from({ length: headOf(sample) }, (_, i) => i + 1).findLast((revision) => !compacted.has(revision));
    if (!stream || !revision) return undefined;
    return withStream(sample, watch, stream, { ...stream, end: { is: "compacted", at: Infinity, revision } });
  },
  "compacted, and nothing was lost"(sample, random) {
    const watch = chosen(sample.history.watches, random), stream = watch && chosen(watch.streams, random);
    const told = Math.max((stream?.from ?? 0) - 1, ...stream?.deliveries.map(({ batch }) => batch.revision) ?? []);
    const compaction = chosen(sample.compactions.filter(({ revision }) => revision <= told), random);
    return stream && compaction &&
      withStream(sample, watch, stream, { ...stream, end: { is: "compacted", at: Infinity, revision: compaction.revision } });
  },
  "a watch that does not say what it has lost"(sample, random) {
    const isSilent = (stream: WatchStream, next: WatchStream | undefined): boolean =>
      stream.end.is === "compacted" && next !== undefined &&
      next.from > Math.max(stream.from - 1, ...stream.deliveries.map(({ batch }) => batch.revision)) + 1;
    const watch = chosen(
      sample.history.watches.filter(({ streams }) => streams.some((stream, at) => isSilent(stream, streams[at + 1]))),
      random,
    );
    const stream = watch && chosen(watch.streams.filter((stream, at) => isSilent(stream, watch.streams[at + 1])), random);
    return stream && withStream(sample, watch, stream, { ...stream, end: { is: "cut" } });
  },
  "a watch from a compacted revision that delivers"(sample, random) {
    const place = chosen(places(sample, (_, { at }) => at === 0), random);
    return place && withStream(sample, place.watch, place.stream, { ...place.stream, compactedAtOpen: place.stream.from });
  },
};
