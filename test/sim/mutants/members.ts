// Who is a member.
import { type Mutant, raft } from "./mutant.ts";

export const membersMutants: readonly Mutant[] = [
  {
    name: "learner_votes",
    bug: "A learner's copy counts for the commit index",
    file: raft("quorum"),
    from: "Math.min(reached(conf.voters, matchIndex), reached(conf.outgoing, matchIndex));",
    to: "Math.min(reached([...conf.voters, ...conf.learners], matchIndex), reached(conf.outgoing, matchIndex));",
  },
  {
    name: "no_joint_commit",
    bug: "While members change, the old majority is not asked for the commit index",
    file: raft("quorum"),
    from: "Math.min(reached(conf.voters, matchIndex), reached(conf.outgoing, matchIndex));",
    to: "reached(conf.voters, matchIndex);",
  },
  {
    name: "no_joint_election",
    bug: "While members change, the old majority is not asked for votes",
    file: raft("quorum"),
    from: "const incoming = tallyOf(conf.voters, votes), outgoing = tallyOf(conf.outgoing, votes);",
    to: "const incoming = tallyOf(conf.voters, votes), outgoing = incoming;",
  },
  {
    name: "members_replaced_in_one_step",
    bug: "Raft §6: the members change at once, without the joint configuration in between",
    file: raft("membership"),
    from: "outgoing: sameVoters ? [] : conf.voters, learners",
    to: "outgoing: sameVoters ? conf.outgoing : [], learners",
  },
  {
    name: "two_changes_at_once",
    bug: "B1: a change of members is proposed before the last one, or any entry of the term, has taken effect (Ongaro 2015)",
    file: raft("reconfiguration"),
    from: 'if (core.pendingConfIndex > core.log.applied || isJoint(core.conf) || !core.committedInTerm) return "Pending";',
    to: "",
  },
  {
    name: "joint_never_left",
    bug: "Nobody ends the joint configuration",
    file: raft("reconfiguration"),
    from: 'if (core.role === "leader" && isJoint(core.conf) && core.pendingConfIndex <= core.log.applied && core.transferee === 0) {',
    to: 'if (core.role === "leader" && isJoint(core.conf) && core.pendingConfIndex < 0) {',
  },
  {
    name: "conf_lost_with_snapshot",
    bug: "B19, B21: a snapshot from the leader does not bring its members along (etcd 11510)",
    file: raft("replication"),
    from: "  core.conf = snapshot.conf;\n",
    to: "",
  },
  {
    name: "unapplied_conf_campaigns",
    bug: "A member stands for election though a committed change of members is not applied yet, and counts by the old ones",
    file: raft("raft"),
    from: "  applyDone(index: number): void {\n    const core = this.#core;\n    for (",
    to:
      '  applyDone(index: number): void {\n    const core = this.#core;\n    if (core.role !== "leader" && index % 3 === 0) return core.log.appliedTo(index);\n    for (',
  },
  {
    name: "genesis_not_applied",
    bug: "Our own: the first entry of the log does not tell a newcomer with which members the cluster began",
    file: raft("membership"),
    from: "if (change.genesis) return change.genesis;",
    to: "if (change.genesis) return conf;",
  },
  {
    name: "second_change_applied",
    bug: "B1: a change of members takes effect while the last one has not ended",
    file: raft("membership"),
    from: "if (isJoint(conf)) return conf; // refused",
    to: "// refused",
    also: [{
      file: raft("reconfiguration"),
      from: 'if (core.pendingConfIndex > core.log.applied || isJoint(core.conf) || !core.committedInTerm) return "Pending";',
      to: "",
    }],
  },
];
