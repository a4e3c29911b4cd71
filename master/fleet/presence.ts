// Who is there: what the controller of node conditions goes by. It says what is so and since when, as this member knows it; what follows from it is not said here.
import type { Roster } from "./roster.ts";
import type { Sessions } from "./sessions.ts";

export interface PresenceState {
  /** Is there a session? */
  readonly live: boolean;
  /** Monotonic ms of the last change of `live`, as this member has learnt of it, and of the last packet: where another master has the session, the same. */
  readonly sinceMs: number;
  readonly lastPacketMs: number;
  /** It has said that it sleeps until then (ms since 1970). */
  readonly sleepingUntilMs?: number;
  /** Its master is silent or has begun anew: the node may be on its way to another, and nothing was heard that speaks against it. */
  readonly adrift?: boolean;
}
export interface Presence {
  /** Undefined: it has not been here since this member runs, and no other master has told of it. That says nothing about the node. */
  state(nodeName: string): PresenceState | undefined;
  /** Called after every change of `live` and `adrift`, and now and then without one. Must neither throw nor wait. */
  subscribe(observer: (nodeName: string) => void): () => void;
}

/** Of all masters together: whoever has heard the newest session of a node knows best. */
export function presenceOf(sessions: Sessions, roster: Pick<Roster, "state" | "subscribe"> | undefined): Presence {
  if (!roster) return sessions;
  return {
    state(nodeName) {
      const own = sessions.state(nodeName), shared = roster.state(nodeName);
      if (!shared || own?.live) return own;
      return own && shared.sess <= sessions.recordOf(nodeName)!.highestSess ? own : shared;
    },
    subscribe(observer) {
      const ends = [sessions.subscribe(observer), roster.subscribe(observer)];
      return () => ends.forEach((end) => end());
    },
  };
}
