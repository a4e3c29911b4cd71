// A master that has had no leader for a while cannot write what its nodes say, and what it knows grows old: it sends them to another.
import { leaderlessMs, sendAwayMs } from "../../shared/limits.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import { downTopic } from "../../shared/wire/topics.ts";
import { json } from "./connection.ts";
import type { Peers } from "./peers.ts";
import type { Session, Sessions } from "./sessions.ts";

export class SendAway {
  readonly #needs: {
    readonly peers: Peers;
    readonly sessions: Sessions;
    readonly clock: Clock;
    readonly now: () => number;
    readonly log: Log;
  };
  #isDue = false;
  #cancel: (() => void) | undefined;

  constructor(needs: { peers: Peers; sessions: Sessions; clock: Clock; now: () => number; log: Log }) {
    this.#needs = needs;
  }
  /** No node should stay here now. */
  get isDue(): boolean {
    return this.#isDue;
  }

  begin(signal: AbortSignal): void {
    const unsubscribe = this.#needs.peers.subscribe(() => this.#look());
    signal.addEventListener("abort", () => {
      unsubscribe();
      this.#cancel?.();
    }, { once: true });
    this.#look();
  }

  /** The node is told, and goes by itself; one that does not is cut off. */
  one(session: Session, sess: number): void {
    const { clock, now } = this.#needs, { connection, nodeId } = session;
    void connection.publish(downTopic(nodeId, "cumulative"), json({ time: now(), sess, retryAfter: 0 }), 1);
    clock.after(sendAwayMs, () => {
      if (connection.open) connection.close("this master has no leader: try another");
    });
  }

  #look(): void {
    const { peers, clock, sessions, log } = this.#needs;
    if (peers.leaderId !== 0) {
      this.#cancel?.();
      this.#cancel = undefined;
      this.#isDue = false;
      return;
    }
    this.#cancel ??= clock.after(leaderlessMs, () => {
      const all = [...sessions.live()];
      this.#isDue = true;
      log.warn("This master has no leader and sends its nodes to others until it has", { nodes: all.length });
      for (const session of all) this.one(session, session.birth!.sess);
    });
  }
}
