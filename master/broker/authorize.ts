// What a connection may do, from the one table of topics. Pure.
import { downFilter, downTopic, parseTopic, renewalOnly, upTopic } from "../../shared/wire/topics.ts";

/** Who is connected: proven by its certificate's key, never by what it says of itself. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly nodeName: string;
  /** "renewal": the key is enrolled, but the certificate's dates are wrong. All it may do is to renew. */
  readonly standing: "full" | "renewal";
}

export function mayPublish({ nodeId, standing }: NodeIdentity, packet: { topic: string; retain: boolean; qos: number }): boolean {
  if (packet.retain || packet.qos > 1) return false; // nothing of ours is retained, everything is idempotent
  const place = parseTopic(packet.topic);
  if (place?.nodeId !== nodeId || place.direction !== "up") return false;
  if (place.name === "will") return standing === "full"; // also as an ordinary message: a clean stop says so first
  return standing === "full" || (renewalOnly.up as readonly string[]).includes(place.name);
}

/** One filter, its own `d/#`; to renew, the leaves it needs. No other wildcard, no $SYS. */
export function maySubscribe({ nodeId, standing }: NodeIdentity, filter: string): boolean {
  return standing === "full" ? filter === downFilter(nodeId) : renewalOnly.down.some((name) => filter === downTopic(nodeId, name));
}

/**
 * [MQTT-3.1.2-8] A will is published in the client's name when it is gone, so it is judged when it arrives. A device cannot know that its certificate's
 * dates are wrong, so it may bring its will all the same; `mayPublish` stops it when it fires.
 */
export const mayWill = ({ nodeId }: NodeIdentity, will: { topic: string; retain: boolean; qos: number }): boolean =>
  !will.retain && will.qos <= 1 && will.topic === upTopic(nodeId, "will");
