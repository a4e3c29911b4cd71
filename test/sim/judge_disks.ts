// What members promise each other, held against their disks: nothing is said that a power cut at the same moment would make untrue (Raft Fig. 2: "updated on
// stable storage before responding").
import type { Message } from "../../master/store/raft/message.ts";
import type { RaftView } from "../../master/store/replica_status.ts";
import { DiskLog } from "./disk_log.ts";
import type { SimDisk } from "./disk.ts";
import type { SimMember } from "./member.ts";
import type { Must } from "./violation.ts";

export class Disks {
  readonly #must: Must;
  readonly #logs = new Map<number, { disk: SimDisk; log: DiskLog }>();

  constructor(must: Must) {
    this.#must = must;
  }

  sent(message: Message, { id, disk, replica }: SimMember): void {
    // A damaged disk has another judge: the member itself. And pre-votes bind nobody to anything.
    if (disk.isRotten || !replica || message.type === "PreVote" || message.type === "PreVoteResponse") return;
    const log = this.#read(id, disk), { term } = message;
    this.#must(log.term >= term, () => `${id} speaks in term ${term}, and its disk knows term ${log.term}`);
    const candidate = message.type === "Vote" ? id : message.type === "VoteResponse" && message.granted ? message.to : 0;
    if (candidate !== 0) {
      this.#must(
        log.term > term || log.vote === candidate,
        () => `${id} votes for ${candidate} in term ${term}, and its disk says ${log.vote} in term ${log.term}`,
      );
    }
    // What it says to a leader that is none any more may have been cut away meanwhile.
    if (message.type === "AppendResponse" && !message.hint && term === replica.raft.term) {
      const { index } = message;
      this.#must(
        log.holds(index, replica.raft.termAt(index)),
        () => `${id} says that it holds ${index} of term ${replica.raft.termAt(index)}, and its disk has ${shown(log, index)}`,
      );
    }
    if (message.type === "TimeoutNow") {
      const { lastIndex } = replica.raft, { to } = message;
      this.#must(
        this.holds(to, lastIndex, replica.raft.termAt(lastIndex)),
        () => `${id} hands over to ${to}, which does not hold everything up to ${lastIndex}`,
      );
    }
  }

  /** What a member believes to be on its disk. */
  look({ id, disk }: SimMember, raft: RaftView): void {
    if (disk.isRotten) return;
    const log = this.#read(id, disk), index = raft.durableIndex, term = raft.termAt(index);
    this.#must(log.holds(index, term), () => `${id} believes ${index} of term ${term} to be on its disk, which has ${shown(log, index)}`);
  }

  /** Of those who have such a disk, dead or alive. */
  holds(id: number, index: number, term: number | undefined): boolean {
    const known = this.#logs.get(id);
    return known !== undefined && (known.disk.isRotten || this.#read(id, known.disk).holds(index, term));
  }
  /** How many entries its log has. */
  entries({ id, disk }: SimMember): number {
    const log = this.#read(id, disk);
    return log.lastIndex - log.firstIndex + 1;
  }

  #read(id: number, disk: SimDisk): DiskLog {
    let known = this.#logs.get(id);
    if (!known) this.#logs.set(id, known = { disk, log: new DiskLog() });
    return known.log.refresh(disk.files);
  }
}

const shown = (log: DiskLog, index: number): string =>
  index > log.lastIndex ? `nothing behind ${log.lastIndex}` : `one of term ${log.termAt(index)}`;
