// Who is there: what the controller of node conditions goes by. It says what is so on this member and since when; what follows from it is not said here.

export interface PresenceState {
  /** Is there a session? */
  readonly live: boolean;
  /** Since when it is so, ms since 1970 by this master's clock. */
  readonly sinceMs: number;
  /** When anything at all last came from it, likewise. */
  readonly lastPacketMs: number;
  /** It has said that it sleeps, and until when. */
  readonly sleepingUntilMs?: number;
}
export interface Presence {
  /** Undefined: it has not been here since this member runs, which says nothing about the node. */
  state(nodeName: string): PresenceState | undefined;
  /** Called after every change of `live`. Must neither throw nor wait. */
  subscribe(observer: (nodeName: string) => void): () => void;
}
