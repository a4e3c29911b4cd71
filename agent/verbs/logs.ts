// `kubectl logs`, at the node's end of the tunnel.
import * as v from "valibot";
import type { Clock } from "../../shared/util/clock.ts";
import { type Reading, TunnelError } from "../link/tunnel.ts";
import type { Pods } from "../pods/pods.ts";
import { readLog } from "../runtime/logs.ts";
import { understood } from "./begin.ts";

/** As in PodLogOptions. What is not understood is left out: it would only narrow the output. */
const LogOptions = v.object({
  follow: v.optional(v.boolean(), false),
  previous: v.optional(v.boolean(), false),
  timestamps: v.optional(v.boolean(), false),
  tailLines: v.optional(v.number()),
  limitBytes: v.optional(v.number()),
  sinceSeconds: v.optional(v.number()),
  sinceTime: v.optional(v.string()),
});

export const logsVerb = (clock: Clock, pods: Pods): Reading => (open, signal) => {
  const { previous, sinceTime, ...query } = understood(LogOptions, open), { podUid, container = "" } = open;
  const path = pods.logPath(podUid, container, { previous });
  if (!path) {
    const what = previous ? `previous terminated container "${container}"` : `container "${container}"`;
    throw new TunnelError(previous ? "BadRequest" : "NotFound", `${what} is not on this node`);
  }
  const wanted = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
  return readLog({ clock }, path, { ...wanted, ...(sinceTime && { sinceTime: Date.parse(sinceTime) }) }, {
    signal,
    running: () => !previous && pods.containerId(podUid, container) !== undefined,
  });
};
