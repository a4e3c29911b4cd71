// The other masters, as far as the fleet cares: which of them are there. The store knows (Raft, or leases where the store is somebody else's).
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { Store } from "../store/store.ts";

export interface Peers {
  /** This master. */
  readonly self: number;
  /** 0: nobody is known to lead, and nothing can be written. */
  readonly leaderId: number;
  /** Is or becomes one of the masters; one that was removed is none. */
  isMember(member: number): boolean;
  /** False: this master leads, and that one is silent. Who does not lead says true. */
  isHeard(member: number): boolean;
  /** Called when any of this has changed. Must neither throw nor wait. */
  subscribe(observer: () => void): () => void;
}
/** What it takes to tell them something through the store. */
export interface TellingNeeds {
  readonly store: Pick<Store, "list" | "watch" | "txn">;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
