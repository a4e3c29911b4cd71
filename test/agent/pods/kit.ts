// Pods of one node over the emulated engine: how they stand, what was said of them.
import type { Fault } from "../../../agent/runtime/emulated_engine.ts";
import { hastened, openNode, setOf, type TestNode } from "../../kit/pods.ts";
import { suite, type Test } from "../../kit/suite.ts";

/** A node with one image; faults of its engine, and the boot that its machine says it is in. */
export interface Context {
  readonly node: TestNode;
  readonly faults: Fault[];
  readonly boot: { id: string };
}
export const podsSuite = (name: string): Test<Context> =>
  suite<Context>(name, {
    setup: async () => {
      const faults: Fault[] = [], boot = { id: "boot-1" };
      // A minute passes in a twentieth of a second, so that back-offs can be watched.
      const node = await openNode({ writeLogs: true, faults, images: ["web:1"], clock: hastened(1200), bootId: () => boot.id });
      return { faults, boot, node };
    },
    teardown: ({ node }) => node.close(),
  });

export const status = (node: TestNode, name: string) => node.pods.local.get(`uid-${name}`)?.status;
export const main = (node: TestNode, name: string) => status(node, name)?.containerStatuses?.[0];
export const phases = (node: TestNode, name: string) =>
  node.reports.filter(({ uid }) => uid === `uid-${name}`).map(({ state }) => state?.phase as string).filter((phase, i, all) =>
    phase !== all[i - 1]
  );
export const reasons = (node: TestNode, name: string) =>
  new Set(
    node.reports.filter(({ uid }) => uid === `uid-${name}`).map(({ state }) => state?.containerStatuses?.[0]?.state?.waiting?.reason),
  );
export const isGone = (node: TestNode, name: string) => node.reports.some(({ uid, gone }) => uid === `uid-${name}` && gone);
export const sh = (script: string) => ({ containers: [{ name: "main", image: "web:1", command: ["sh", "-c", script] }] });
export async function settle(
  node: TestNode,
  gen: number,
  ...objects: Parameters<typeof setOf> extends [number, ...infer R] ? R : never
): Promise<void> {
  node.pods.setDesired(setOf(gen, ...objects));
  await node.pods.settled();
}
