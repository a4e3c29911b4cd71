import * as assert from "uvu/assert";
import { nodes } from "../../../shared/api/kinds/node.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import { ClusterView } from "../../../master/scheduler/cluster_view.ts";
import { requested } from "../../../master/scheduler/resources.ts";
import { seeded } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("ClusterView");

interface PodFacts {
  readonly uid: string;
  readonly nodeName?: string;
  readonly cpu?: string;
  readonly phase?: string;
  readonly hostPort?: number;
}
const podOf = ({ uid, nodeName, cpu = "100m", phase = "Running", hostPort }: PodFacts) => {
  const ports = hostPort ? [{ containerPort: 1, hostPort }] : [];
  const object = { spec: { nodeName, containers: [{ name: "a", resources: { requests: { cpu } }, ports }] }, status: { phase } };
  return { kind: pods, uid, name: uid, object } as never;
};
const nodeOf = (name: string, cpu = "4") =>
  ({ kind: nodes, name, object: { metadata: { name }, status: { allocatable: { cpu, pods: "110" } } } }) as never;
const emptyCache = { list: () => [] } as never;
const apply = (view: ClusterView, kind: unknown, before: unknown, after: unknown) =>
  view.apply({ kind, ...(before ? { before } : {}), ...(after ? { after } : {}) } as never);
const used = (view: ClusterView, node = "a") => view.node(node)?.used["cpu"] ?? 0;

test("it counts what is bound, and no longer what has ended or gone", () => {
  const view = new ClusterView(emptyCache);
  apply(view, nodes, undefined, nodeOf("a"));
  const one = podOf({ uid: "1", nodeName: "a" }), ended = podOf({ uid: "1", nodeName: "a", phase: "Succeeded" });
  assert.is(apply(view, pods, undefined, one), undefined);
  apply(view, pods, undefined, podOf({ uid: "2", nodeName: "a", hostPort: 80 }));
  assert.equal([used(view), view.node("a")!.ports.length], [200, 1]);
  assert.is(apply(view, pods, one, ended), "a", "there is room again");
  assert.is(apply(view, pods, ended, undefined), undefined);
  assert.is(apply(view, pods, podOf({ uid: "2", nodeName: "a" }), undefined), "a");
  assert.equal([used(view), view.node("a")!.ports.length], [0, 0]);
});

test("what is assumed counts once, until it is bound or given up", () => {
  const view = new ClusterView(emptyCache), pod = (podOf({ uid: "1" }) as { object: never }).object as never;
  apply(view, nodes, undefined, nodeOf("a"));
  view.assume("1", pod, "a", requested((pod as { spec: never }).spec));
  view.assume("1", pod, "a", requested((pod as { spec: never }).spec));
  assert.is(used(view), 100);
  apply(view, pods, podOf({ uid: "1" }), podOf({ uid: "1", nodeName: "a" }));
  assert.is(used(view), 100);
  view.forget("1");
  assert.is(used(view), 100, "it is bound: nothing to forget");
  view.assume("2", pod, "a", requested((pod as { spec: never }).spec));
  apply(view, pods, podOf({ uid: "2" }), undefined);
  assert.is(used(view), 100);
});

test("pods of a node that is not there yet count as soon as it is", () => {
  const view = new ClusterView(emptyCache);
  apply(view, pods, undefined, podOf({ uid: "1", nodeName: "a" }));
  assert.equal([...view.nodes(() => 0)], []);
  assert.is(apply(view, nodes, undefined, nodeOf("a")), "a");
  assert.is(used(view), 100);
  assert.is(apply(view, nodes, nodeOf("a"), undefined), undefined);
  assert.is(view.node("a"), undefined);
});

test("after any history it shows what a new view shows", () => {
  const random = seeded(4), pick = (n: number) => Math.floor(random() * n);
  const view = new ClusterView(emptyCache), there = new Map<string, unknown>(), placed = new Map<string, unknown>();
  for (let i = 0; i < 3000; i++) {
    const uid = String(pick(20)), name = String(pick(4)), kind = pick(10);
    if (kind === 0) {
      const after = there.has(name) ? undefined : nodeOf(name);
      apply(view, nodes, there.get(name), after);
      after ? there.set(name, after) : there.delete(name);
    } else if (kind < 3) view.assume(uid, (podOf({ uid }) as { object: never }).object, name, { cpu: 100, pods: 1 });
    else if (kind < 5) view.forget(uid);
    else {
      const before = placed.get(uid) as { object: { spec: { nodeName?: string } } } | undefined,
        nodeName = before?.object.spec.nodeName ?? (pick(2) ? name : "");
      const after = pick(3) === 0
        ? undefined
        : podOf({ uid, cpu: `${100 + pick(5)}m`, ...(nodeName && { nodeName }), phase: pick(4) ? "Running" : "Failed" });
      if (!before && !after) continue;
      apply(view, pods, before, after);
      after ? placed.set(uid, after) : placed.delete(uid);
    }
  }
  for (let uid = 0; uid < 20; uid++) view.forget(String(uid));
  const fresh = new ClusterView({ list: (kind: unknown) => kind === nodes ? [...there.values()] : [...placed.values()] } as never);
  const shown = (of: ClusterView) =>
    [...of.nodes(() => 0)].map(({ name, used, ports }) => [name, used["cpu"] ?? 0, used["pods"] ?? 0, ports.length]).sort();
  assert.equal(shown(view), shown(fresh));
});
