// Who is there: what the controller of node conditions goes by. It says what is so on this member and since when; what follows from it is not said here.

export interface PresenceState {
  /** Is there a session? */
  readonly live: boolean;
  /** Monotonic ms of the last change of `live`, and of the last packet. */
  readonly sinceMs: number;
  readonly lastPacketMs: number;
  /** It has said that it sleeps until then (ms since 1970). */
  readonly sleepingUntilMs?: number;
}
export interface Presence {
  /** Undefined: it has not been here since this member runs, which says nothing about the node. */
  state(nodeName: string): PresenceState | undefined;
  /** Called after every change of `live`. Must neither throw nor wait. */
  subscribe(observer: (nodeName: string) => void): () => void;
}
