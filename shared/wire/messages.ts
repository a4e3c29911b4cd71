// The messages between master and node. Receivers ignore fields they do not know and take an unknown word for the safest known one: a message is never
// refused for having more. Schemas are valibot's; bounds are those of shared/limits.ts.
import * as v from "valibot";
import { eventMessageCharacters } from "../limits.ts";

const u53 = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const epoch = text(32);
/** 128 bits, hex. */
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const uid = text(64);

/** What a node holds: nothing yet, or a whole set. */
const have = v.object({ epoch, gen: u53, hash });
const codec = text(16);

/** First message of a session. */
export const Birth = v.object({
  /** Higher than every session before: a later will of an earlier session cannot kill this one. */
  sess: u53,
  /** Random per boot of the machine. */
  boot: text(64),
  /** The agent's version, and its wire versions. */
  ver: text(64),
  wire: v.optional(v.array(u53), [1]),
  arch: text(32),
  have: v.optional(have),
  /** Hash over everything the node would report: if the master remembers the same, no reports are needed. */
  stateHash: v.optional(hash),
  caps: v.optional(v.array(codec), []),
  link: v.optional(v.object({ kind: text(32), metered: v.boolean() }), { kind: "unknown", metered: false }),
  clock: v.optional(v.object({ t: v.number(), err: v.optional(v.number()) })),
});
export type Birth = v.InferOutput<typeof Birth>;

export const Will = v.object({ sess: u53, reason: v.optional(text(32)), wakeAt: v.optional(v.number()) });
export type Will = v.InferOutput<typeof Will>;

/** One change of a set. `body` is the object as the master rendered it, `hash` its objHash. */
export const SetOperation = v.variant("op", [
  v.object({ op: v.literal("set"), uid, hash, body: v.string() }),
  v.object({ op: v.literal("del"), uid }),
]);
export type SetOperation = v.InferOutput<typeof SetOperation>;

/** The head: which set the node should have. The newest wins. */
export const Desired = v.object({
  epoch,
  gen: u53,
  hash,
  /** Bytes of the full set, uncompressed. */
  size: u53,
  /** Bases from which a delta can be had. */
  deltaFrom: v.optional(v.array(u53), []),
  /** A delta so small that it travels along. */
  delta: v.optional(v.object({ base: u53, ops: v.array(SetOperation) })),
});
export type Desired = v.InferOutput<typeof Desired>;

export const Get = v.object({
  rid: text(32),
  have: v.optional(have),
  want: u53,
  /** First part wanted: a broken transfer resumes here. */
  from: v.optional(u53, 0),
  /** Parts on their way at most. */
  window: v.optional(v.pipe(u53, v.minValue(1), v.maxValue(4)), 1),
  codec: v.optional(codec),
  /** No delta, please: what came out of one did not hash right. */
  full: v.optional(v.boolean(), false),
});
export type Get = v.InferOutput<typeof Get>;

/**
 * Part `i` of `n` of an answer: each `body` is base64 of a piece; the pieces in order are encode(JSON of SetOperation[]). One get is answered by the parts
 * from `from` to `from + window - 1`; who wants more sends the next get with the same rid. `gone`: that rid is not known, a head follows.
 */
export const Put = v.object({
  rid: text(32),
  gone: v.optional(v.boolean(), false),
  epoch: v.optional(epoch),
  gen: v.optional(u53, 0),
  hash: v.optional(hash),
  kind: v.optional(v.picklist(["full", "delta"]), "full"),
  base: v.optional(u53),
  i: v.optional(u53, 0),
  n: v.optional(u53, 1),
  body: v.optional(v.string(), ""),
});
export type Put = v.InferOutput<typeof Put>;

export const Ack = v.object({
  epoch,
  gen: u53,
  hash,
  /** `stored` is said only after the fsync. */
  phase: v.picklist(["stored", "applying", "applied", "rolledBack", "rejected"]),
  reason: v.optional(text(256)),
});
export type Ack = v.InferOutput<typeof Ack>;

/**
 * What a node says of one object. Of a pod, `state` is its PodStatus. Of itself (uid "node"), `state` is `{ status: NodeStatus, labels }`; its Ready
 * condition is the master's to say and is ignored.
 */
export const ReportedObject = v.object({
  uid,
  obsGen: v.optional(u53, 0),
  /** Deleted on the node: the pod may go from the API. */
  gone: v.optional(v.boolean(), false),
  state: v.optional(v.record(v.string(), v.unknown())),
  /** When the node saw it (its clock, ms since 1970). */
  at: v.number(),
});
export type ReportedObject = v.InferOutput<typeof ReportedObject>;
export const Report = v.object({
  sess: u53,
  seq: u53,
  kind: v.picklist(["delta", "full"]),
  /** A full report may come in several messages: this is the last one. */
  last: v.optional(v.boolean(), true),
  objs: v.array(ReportedObject),
  stateHash: v.optional(hash),
});
export type Report = v.InferOutput<typeof Report>;

export const NodeEvent = v.object({
  uid,
  type: v.picklist(["Normal", "Warning"]),
  reason: text(128),
  message: text(eventMessageCharacters),
  at: v.number(),
  /** How often since `first`. */
  count: v.optional(u53, 1),
  /** When the same thing was first seen (ms since 1970): events of one series are one Event that counts. */
  first: v.optional(v.number()),
});
export type NodeEvent = v.InferOutput<typeof NodeEvent>;
export const Events = v.object({ sess: u53, seq: u53, events: v.array(NodeEvent), dropped: v.optional(u53, 0) });
export type Events = v.InferOutput<typeof Events>;

/** The cumulative acknowledgement, sent after the commit: everything up to these numbers need not be repeated. */
export const Cumulative = v.object({
  /** Highest session the cluster knows of this node. */
  sess: u53,
  /** The birth was not higher than all before it: this session is none. Come back with a number above `sess`. */
  refused: v.optional(v.boolean()),
  repSeq: v.optional(u53),
  evSeq: v.optional(u53),
  /** Say everything again. */
  rebirth: v.optional(v.boolean(), false),
  /** Seconds to stay away before the next get, or, with 0 and a closing connection, before trying another member. */
  retryAfter: v.optional(v.number()),
  masters: v.optional(v.array(text(256))),
  time: v.optional(v.number()),
});
export type Cumulative = v.InferOutput<typeof Cumulative>;

/** First frame of a session (logs; later exec, attach, port-forward, cp), from the master. */
export const SessionOpen = v.object({
  verb: v.picklist(["logs", "exec", "attach", "portforward", "usage"]),
  podUid: uid,
  container: v.optional(text(253)),
  options: v.optional(v.record(v.string(), v.unknown()), {}),
  /** Bytes the other side may send before it needs more credit. */
  credit: u53,
});
export type SessionOpen = v.InferOutput<typeof SessionOpen>;

const amounts = { cpuNanocores: u53, memoryBytes: u53 };
/** What a node answers on a session "usage". */
export const Usage = v.object({
  /** Over which CPU was measured. */
  windowMs: u53,
  node: v.object(amounts),
  /** Those that run. */
  containers: v.array(v.object({ podUid: uid, name: text(253), ...amounts })),
});
export type Usage = v.InferOutput<typeof Usage>;

/** `csr`: PEM, signed by the key the node has, or by one it wants to change to. */
export const Renew = v.object({ csr: text(8192) });
export const Renewed = v.object({ certificate: v.optional(text(16384)), error: v.optional(text(256)) });

/** @returns the message, or undefined if it is not one */
export function parse<T>(schema: v.GenericSchema<unknown, T>, payload: Uint8Array): T | undefined {
  let input: unknown;
  try {
    input = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
  const result = v.safeParse(schema, input);
  return result.success ? result.output : undefined;
}
