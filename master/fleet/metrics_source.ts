// metrics.k8s.io: what `kubectl top` reads, made of what the nodes say when somebody asks.
import { type NodeMetrics, nodeMetrics, type PodMetrics, podMetrics } from "../../shared/api/kinds/metrics.ts";
import { nodes } from "../../shared/api/kinds/node.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import { canonicalQuantity } from "../../shared/api/quantity.ts";
import { matchFields, matchLabels } from "../../shared/api/selector.ts";
import { notFound } from "../../shared/api/status.ts";
import { nodesAskedAtOnce } from "../../shared/limits.ts";
import type { Cache } from "../registry/cache.ts";
import { timestamp } from "../registry/lifecycle.ts";
import type { ListQuery, ObjectKey, Registry, Stored } from "../registry/registry.ts";
import { Unstored } from "./unstored.ts";
import type { Measured, NodeUsage } from "./usage.ts";

type Source = Pick<Registry, "get" | "list">;
type Amounts = Measured["node"];

const usage = ({ cpuNanocores, memoryBytes }: Amounts) => ({
  cpu: canonicalQuantity(`${cpuNanocores}n`),
  memory: canonicalQuantity(`${Math.ceil(memoryBytes / 1024)}Ki`),
});
const measured = ({ at, windowMs }: Measured) => ({ timestamp: timestamp(at), window: `${(windowMs / 1000).toFixed(3)}s` });
/** Like the object that was measured. */
const metadata = ({ name, namespace, labels }: Stored, at: number) => ({
  name,
  ...namespace && { namespace },
  creationTimestamp: timestamp(at),
  ...Object.keys(labels).length > 0 && { labels: { ...labels } },
});

function ofNode(node: Stored, known: Measured): NodeMetrics {
  return { metadata: metadata(node, known.at), ...measured(known), usage: usage(known.node) };
}
function ofPod(pod: Stored, known: Measured): PodMetrics | undefined {
  const containers = known.containers.filter(({ podUid }) => podUid === pod.uid).map((one) => ({ name: one.name, usage: usage(one) }));
  return containers.length === 0 ? undefined : { metadata: metadata(pod, known.at), ...measured(known), containers };
}

export function metricsSources(cache: Cache, book: Pick<NodeUsage, "of">): { readonly nodes: Source; readonly pods: Source } {
  const nodeOf = (pod: Stored): string => pod.fields["spec.nodeName"] ?? "";
  const source = <T extends NodeMetrics | PodMetrics>(
    kind: typeof nodeMetrics | typeof podMetrics,
    find: (key: ObjectKey) => Stored | undefined,
    all: (namespace: string | undefined) => Iterable<Stored>,
    nodeNameOf: (one: Stored) => string,
    make: (one: Stored, known: Measured) => T | undefined,
  ): Source => {
    const shown = async (one: Stored): Promise<Stored | undefined> => {
      const known = await book.of(nodeNameOf(one)), object = known && make(one, known);
      return object && new Unstored(kind as never, object) as unknown as Stored;
    };
    return {
      async get(asked, key) {
        const one = find(key), found = one && await shown(one);
        if (!found) throw notFound(asked, key.name);
        return found as never;
      },
      async list(_, { namespace, labels = [], fields = [] }: ListQuery = {}) {
        const wanted = [...all(namespace)].filter((one) =>
          matchLabels(labels, one.labels) &&
          matchFields(fields, (field) => field === "metadata.name" ? one.name : field === "metadata.namespace" ? one.namespace : undefined)
        );
        const items: Stored[] = [];
        for (let at = 0; at < wanted.length; at += nodesAskedAtOnce) {
          for (const found of await Promise.all(wanted.slice(at, at + nodesAskedAtOnce).map(shown))) if (found) items.push(found);
        }
        return { items: items.sort((a, b) => `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1), revision: 1 } as never;
      },
    };
  };
  return {
    nodes: source(
      nodeMetrics,
      ({ name }) => cache.get(nodes, "", name) as never,
      () => cache.list(nodes) as never,
      ({ name }) => name,
      ofNode,
    ),
    pods: source(
      podMetrics,
      ({ namespace = "", name }) => cache.get(pods, namespace, name) as never,
      (namespace) => cache.list(pods, namespace) as never,
      nodeOf,
      ofPod,
    ),
  };
}
