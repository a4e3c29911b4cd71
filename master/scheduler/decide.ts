// Where should this pod run? Pure: filters, then scores; equals are told apart by the chance handed in.
import type { Random } from "../../shared/util/clock.ts";
import { type Filter, filters, type NodeView, type PodView } from "./filters.ts";
import { scores } from "./scores.ts";

export type Decision = { readonly node: string } | { readonly reasons: ReadonlyMap<string, number>; readonly nodes: number };

/** Looks at the nodes in the order they come, until `enough` of them have room: of a hundred the best is good enough, and a thousand would take ten times as long. */
export function decide(
  pod: PodView,
  nodes: Iterable<NodeView>,
  random: Random,
  { rules = filters, enough = Infinity }: { rules?: readonly Filter[]; enough?: number } = {},
): Decision {
  const reasons = new Map<string, number>();
  let best: string | undefined, bestScore = -1, equals = 0, count = 0, fitting = 0;
  for (const node of nodes) {
    count++;
    const refused = why(pod, node, rules);
    if (refused) {
      for (const reason of refused) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      continue;
    }
    let score = 0;
    for (const rule of scores) score += rule.weight * rule.score(pod, node);
    if (score > bestScore) {
      best = node.name;
      bestScore = score;
      equals = 1;
    } else if (score === bestScore && random() * ++equals < 1) best = node.name; // each of the equals is as likely as the others
    if (++fitting >= enough) break;
  }
  return best === undefined ? { reasons, nodes: count } : { node: best };
}

/** Reasons of the first rule that refuses. */
export function why(pod: PodView, node: NodeView, rules: readonly Filter[]): readonly string[] | undefined {
  for (const rule of rules) {
    const reasons = rule(pod, node);
    if (reasons.length > 0) return reasons;
  }
  return undefined;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function explain({ reasons, nodes }: { reasons: ReadonlyMap<string, number>; nodes: number }): string {
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available${parts.length > 0 ? `: ${parts.join(", ")}` : ""}.`;
}
