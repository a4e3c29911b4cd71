// Events for people: what was done to an object and why. Never in the way: recording returns at once, equal events are counted instead of repeated, and
// when there are too many the rest is dropped.
import { events } from "../../shared/api/kinds/event.ts";
import type { Stored } from "../registry/face.ts";
import type { Registry } from "../registry/face.ts";
import { eventsWaiting } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import { chain, type Log } from "../../shared/util/log.ts";

type Involved = Pick<Stored, "namespace" | "name" | "uid" | "revision"> & {
  readonly kind: { readonly kind: string; readonly group: string; readonly version: string };
};

export interface Recorder {
  /** `reason` is one CamelCase word, `message` a sentence for people. */
  record(about: Involved, type: "Normal" | "Warning", reason: string, message: string): void;
  /** Resolves when everything recorded so far is written, or dropped. */
  idle(): Promise<void>;
}

export function createRecorder({ registry, clock, log }: { registry: Registry; clock: Clock; log: Log }, component: string): Recorder {
  /** What was recorded lately → the Event that counts it. Bounded: the oldest is forgotten, and a new Event begins. */
  const known = new Map<string, { namespace: string; name: string }>();
  let last: Promise<void> = Promise.resolve(), waiting = 0, sequence = 0;

  async function write(about: Involved, type: string, reason: string, message: string, at: number): Promise<void> {
    const time = `${new Date(at).toISOString().slice(0, 19)}Z`,
      identity = `${about.uid} ${type} ${reason} ${message}`,
      seen = known.get(identity);
    if (seen) {
      const counted = await registry.modify(events, seen, (event) => {
        event.count = (event.count ?? 1) + 1;
        event.lastTimestamp = time;
      }).catch(() => undefined);
      if (counted) return;
    }
    const namespace = about.namespace || "default", { group, version, kind } = about.kind;
    const name = `${about.name.slice(0, 230)}.${at.toString(16)}${(sequence++ & 0xfff).toString(16).padStart(3, "0")}`;
    await registry.create(events, {
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: group ? `${group}/${version}` : version,
        kind,
        name: about.name,
        uid: about.uid,
        resourceVersion: String(about.revision),
        ...(about.namespace && { namespace: about.namespace }),
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component },
      reportingComponent: component,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
    } as never);
    if (known.size >= eventsWaiting) known.delete(known.keys().next().value!);
    known.set(identity, { namespace, name });
  }

  return {
    record(about, type, reason, message) {
      if (waiting >= eventsWaiting) return;
      waiting++;
      const at = clock.now();
      last = last.then(() => write(about, type, reason, message, at))
        .catch((error) => log.debug("Cannot record an event", { reason, error: chain(error) }))
        .finally(() => void waiting--);
    },
    idle: () => last,
  };
}
