// What a member does while its disk is full. The log goes on in what is left of its segment and in the reserve (segment_stock.ts), so that votes, deletions, compaction
// and the snapshot that frees the log still find a place. What would let it grow is refused, and a leader asks one voter after the other to lead. It looks again and
// again; once there is room, everything goes on by itself.
import { diskFullBackoff, diskFullHandOverMs } from "../../shared/limits.ts";
import { nextDelay } from "../../shared/util/backoff.ts";
import type { Clock, Random } from "../../shared/util/clock.ts";
import type { Log } from "../../shared/util/log.ts";
import type { StateMachine } from "./machine.ts";
import type { Raft } from "./raft/raft.ts";
import type { Wal } from "./wal.ts";

interface DiskWatchNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly machine: Pick<StateMachine, "mayOverfill">;
}

export class DiskWatch {
  readonly #needs: DiskWatchNeeds;
  readonly #wal: Wal;
  readonly #raft: Raft;
  #sinceMs: number | undefined;
  #lookAtMs = 0;
  #delayMs = 0;
  /** Voters that were asked to lead in this round. */
  readonly #asked = new Set<number>();
  #roundAtMs = 0;

  constructor(needs: DiskWatchNeeds, { wal, raft }: { wal: Wal; raft: Raft }) {
    this.#needs = needs;
    this.#wal = wal;
    this.#raft = raft;
  }

  get isFull(): boolean {
    return this.#wal.isShort;
  }
  /** Whether an entry is to be written though the disk is full, this one or another's. */
  mayOverfill(payload: Uint8Array): boolean {
    return this.#needs.machine.mayOverfill?.(payload) === true;
  }
  lacksRoomFor(payload: Uint8Array): boolean {
    return this.isFull && !this.mayOverfill(payload);
  }

  /** Every tick of the Raft clock. */
  tick(): void {
    const { clock, random, log } = this.#needs, now = clock.monotonic(), { path, missingBytes } = this.#wal;
    if (!this.isFull) {
      if (this.#sinceMs === undefined) return;
      log.info("The disk has room again: writes are taken as before", { path, elapsedMs: Math.round(now - this.#sinceMs) });
      this.#sinceMs = undefined;
      return;
    }
    if (this.#sinceMs === undefined) {
      log.error(
        "The disk is full. Reads and deletions go on; other writes are refused while this master leads, until there is room. Free space on it",
        { path, neededBytes: missingBytes },
      );
      this.#sinceMs = this.#roundAtMs = now;
      this.#delayMs = 0;
      this.#asked.clear();
    } else if (now >= this.#lookAtMs) this.#wal.lookForRoom();
    else return;
    this.#delayMs = nextDelay(diskFullBackoff, this.#delayMs, random);
    this.#lookAtMs = now + this.#delayMs;
  }

  /** A voter that this leader should hand over to, because that one may have room. Each is asked once a round: one whose own disk is full does not listen. */
  successor(): number | undefined {
    if (this.#sinceMs === undefined) return undefined;
    const now = this.#needs.clock.monotonic();
    if (now - this.#roundAtMs >= diskFullHandOverMs) {
      this.#roundAtMs = now;
      this.#asked.clear();
    }
    const successor = this.#raft.successor(this.#asked);
    if (successor !== undefined) this.#asked.add(successor);
    return successor;
  }
}
