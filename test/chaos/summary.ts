// The report in words.
import type { TrialOptions, TrialReport } from "./trial.ts";

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function summary(
  report: TrialReport,
  { seed, members, faults: kinds, keep, runtime }: Pick<TrialOptions, "seed" | "members" | "faults" | "keep"> & { runtime: string },
): string {
  const { violations, faults } = report,
    drawn = Object.entries(faults).map(([kind, count]) => `${count} ${kind}`).join(", ") || "no faults";
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const figures =
    `${runtime}: ${members} masters, seed ${seed}, ${report.rounds} rounds, ${total} faults (${drawn}); ${report.calls} calls: ${report.acknowledged} writes ` +
    `acknowledged, ${report.unknown} of unknown outcome, ${report.refused} refused, ${report.reads} reads; ${report.deliveries} deliveries over ` +
    `${report.streams} watches; revision ${report.revision}; longest without a write ${
      seconds(report.longestGapMs)
    }, longest until all was well again ` +
    `${seconds(report.longestHealMs)}${report.unsearched > 0 ? `; ${report.unsearched} rounds judged by revisions only` : ""}`;
  if (violations.length === 0) {
    return `${figures}: no acknowledged write lost, no read stale, no watch with a gap, a repeat or a wrong order`;
  }
  const shown = violations.slice(0, 20).map((violation) => `\n  ${violation}`).join("");
  const again = `npm run chaos -- --seed ${seed} --members ${members} --runtime ${runtime} --faults ${kinds.join(",")}`;
  return `${figures}\n${violations.length} VIOLATIONS:${shown}\nHistory and logs: ${keep}\nThe same faults again, at other moments: ${again}`;
}
