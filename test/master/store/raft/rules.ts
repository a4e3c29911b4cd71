// The rules of Raft, numbered, each with its place in the paper ("In Search of an Understandable Consensus Algorithm", extended version) or in Ongaro's thesis.
// A test that shows one carries its number ("R6 …"), and `npm run check` fails for a rule without a test.

export const rules: Readonly<Record<number, string>> = {
  1: "Fig. 2, §5.1: a term only grows; who hears of a higher one takes it over and follows, and what belongs to a lower one is refused",
  2: "Fig. 2, §5.2: a follower that hears neither from a leader nor from a candidate it voted for, for an election timeout, stands for election",
  3: "Fig. 2, §5.2: one vote a term, for who asked first, and on disk before it is told",
  4: "Fig. 2: the vote goes with its term, not with the role: who steps down within a term keeps it",
  5: "§5.2: elected is who has a majority of the voters, each counted once, in the term in which they were asked",
  6: "§5.4.1: no vote for a log that is less up to date: a lower last term, or the same and shorter",
  7: "thesis §9.6: before an election a pre-vote, which binds nobody and disturbs nobody",
  8: "thesis §4.2.3: who hears from a leader helps nobody to depose it, unless the leader wants it",
  9: "thesis §6.2: a leader that no majority answers steps down",
  10: "§5.3: entries are taken only behind one that matches in index and term; a refusal leads the leader back to where the logs agree",
  11: "§5.3: an entry that contradicts the leader's goes, with all behind it; repetitions and prefixes remove nothing",
  12: "Fig. 2: what is answered is on disk",
  13: "Fig. 2: a follower commits no further than the leader has and than the message covered",
  14: "§5.4.2, Fig. 8: only entries of the leader's own term are committed by counting",
  15: "§8: a leader begins its term with an empty entry",
  16: "thesis §10.2.1: a leader may send beside its own write, and counts itself only after it",
  17: "§5.5: messages may be lost, repeated and late; the leader tries again, and nothing comes of what is old",
  18: "§7: a snapshot replaces a log that does not have its last entry, and leaves what is behind that entry in one that has",
  19: "§7: a snapshot of what is there already changes nothing",
  20: "§6: voters change through a configuration in which both majorities are asked",
  21: "§6: a leader that is no member any more steps down when the change is committed",
  22: "§6, thesis §4.2.1: newcomers get the log without a vote, until they have caught up",
  23: "thesis §4.1 and the correction of 2015: one change at a time, and none before the leader has committed in its term",
  24: "thesis §3.10: leadership is handed over to who holds everything, and meanwhile nothing is proposed",
  25:
    "thesis §6.4: a read waits until the leader has committed in its term, a majority has answered a heartbeat sent after the read came, and it is applied",
  26: "§5.6: who stood still listens for a whole timeout before it judges that the leader is gone",
  27: "Fig. 3: one leader a term, logs that match, nothing committed is lost, the same commands in the same order everywhere",
};
