// Reads, and what callers are told of their writes.
import { type Mutant, raft } from "./mutant.ts";

export const readsMutants: readonly Mutant[] = [
  {
    name: "read_round_reused",
    bug: "B25: an answer to an earlier heartbeat confirms a later read (etcd 20418)",
    file: raft("read_index"),
    from: "if (!this.#round || round !== this.#round.number) return undefined;",
    to: "if (!this.#round) return undefined;",
  },
  {
    name: "read_contexts_of_old_process",
    bug:
      "B25: our own, found here: a process that starts again names its reads as the one before it did, and takes an answer to one of those for one to its own",
    file: "replica.ts",
    from: "new PendingReads(needs.clock, Math.floor(needs.random() * 2 ** 52));",
    to: "new PendingReads(needs.clock, 0);",
  },
  {
    name: "read_without_quorum",
    bug: "B26: a leader answers reads from what it has, without asking whether it still leads (etcd 741)",
    file: raft("replication"),
    from: "if (core.isSoleVoter) return answerRead(core, from, context, core.log.commit);",
    to: "return answerRead(core, from, context, core.log.commit);",
  },
  {
    name: "read_before_own_commit",
    bug: "B27: a new leader answers reads before it has committed in its term (thesis §6.4)",
    file: raft("replication"),
    from: "if (!core.committedInTerm) {\n    if (core.earlyReads",
    to: "if (core.log.commit < 0) {\n    if (core.earlyReads",
  },
  {
    name: "follower_reads_itself",
    bug: "A follower confirms its own reads",
    file: raft("raft"),
    from: "else if (core.leader === 0) core.failRead(core.id, context);",
    to:
      "else if (core.leader !== 0) core.readStates.push({ context, index: core.log.commit });\n    else if (core.leader === 0) core.failRead(core.id, context);",
  },
  {
    name: "read_not_awaited",
    bug: "A confirmed read is answered before this member has applied what it must show",
    file: "pending_reads.ts",
    from: "if (read.index > index) return true;",
    to: "",
  },
  {
    name: "proposal_applied_twice",
    bug: "B29: a proposal that is made again is applied twice (etcd 3587, ra 145)",
    file: "state.ts",
    from: "return repeated;",
    to: "void repeated;",
  },
  {
    name: "proposers_not_restored",
    bug: "B29: a snapshot does not say what was applied of whom, so what is proposed again is applied again",
    file: "state.ts",
    from: "this.#proposers = read.proposers;",
    to: "",
  },
  {
    name: "unknown_called_refused",
    bug: "A write that may have happened is reported as certainly not made",
    file: "pending_proposals.ts",
    from: 'new StoreError(\n            "Unknown",',
    to: 'new StoreError(\n            "NotLeader",',
  },
  {
    name: "read_by_lease",
    bug: "B28: whoever was heard a while ago is taken to be a follower still (LeaseGuard)",
    file: raft("replication"),
    from: "if (core.isSoleVoter) return answerRead(core, from, context, core.log.commit);",
    to: "if (isQuorum(core.conf, (id) => core.isActive(id))) return answerRead(core, from, context, core.log.commit);",
  },
];
