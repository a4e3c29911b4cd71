import type { Random } from "../../shared/util/clock.ts";
import type { Compare, KeyValue, Operation, Transaction } from "../../master/store/store.ts";

/** A transaction on a few dozen keys whose compares often hold: `now` is what some of them may have seen. */
export function randomTransaction(random: Random, now: readonly KeyValue[]): Transaction {
  const under = (end: number): number => Math.floor(random() * end);
  const key = (): string => `/${under(4)}/${under(12)}`;
  const operations = (): Operation[] => {
    const written = new Set<string>();
    return Array.from({ length: 1 + (random() < 0.3 ? under(6) : 0) }, (): Operation => {
      const name = key();
      if (random() < 0.15 || written.has(name)) return { do: "get", key: name };
      written.add(name);
      if (random() < 0.35) return { do: "delete", key: name };
      const value = new Uint8Array(random() < 0.05 ? under(2_000) : under(20)).fill(under(256));
      return { do: "put", key: name, value };
    });
  };
  const compares = (): Compare[] => {
    if (random() < 0.4) return [];
    const seen = now[under(now.length)];
    const choice = random();
    if (!seen || choice < 0.2) return [{ key: key(), target: "modRevision", is: 0 }];
    if (choice < 0.4) return [{ key: seen.key, target: "value", is: seen.value }];
    if (choice < 0.6) {
      return [{ key: seen.key, target: "version", is: seen.version }, { key: seen.key, target: "createRevision", is: seen.createRevision }];
    }
    return [{ key: seen.key, target: "modRevision", is: seen.modRevision }];
  };
  return { compares: compares(), then: operations(), else: random() < 0.5 ? operations() : [] };
}
