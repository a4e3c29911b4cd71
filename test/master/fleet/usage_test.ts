import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { nodeMetrics, podMetrics } from "../../../shared/api/kinds/metrics.ts";
import { usageAnswerBytes, usageKeptMs, usageWaitMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { parseFields, parseLabels } from "../../../shared/api/selector.ts";
import { metricsSources } from "../../../master/fleet/metrics_source.ts";
import { type Measured, NodeUsage } from "../../../master/fleet/usage.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("usage of nodes");
const answer = { windowMs: 1500, node: { cpuNanocores: 250_000_000, memoryBytes: 3 * 2 ** 20 }, containers: [] };
function open({ metered = false, body = JSON.stringify(answer) as string | null } = {}) {
  const clock = new HandCrankedClock(), asked: string[] = [];
  const usage = (nodeName: string, signal: AbortSignal) => {
    asked.push(nodeName);
    if (body !== null) return Promise.resolve(new Response(Buffer.from(body)).body as ReadableStream<Uint8Array>);
    return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const sessions = { currentOf: (name: string) => name === "away" ? undefined : { birth: { link: { metered } } } };
  return { clock, asked, book: new NodeUsage({ clock, sessions: sessions as never, tunnel: { usage } as never }) };
}

test("a node is asked once for all who ask within moments; on a metered link for longer", async () => {
  for (const [metered, keptMs] of [[false, usageKeptMs.free], [true, usageKeptMs.metered]] as const) {
    const { clock, asked, book } = open({ metered });
    const [one, two] = await Promise.all([book.of("a"), book.of("a")]);
    assert.equal([one, two?.node.cpuNanocores], [{ ...answer, at: clock.now() }, 250_000_000]);
    clock.advance(keptMs);
    await book.of("a");
    assert.is(asked.length, 1);
    clock.advance(1);
    await book.of("a");
    assert.is(asked.length, 2);
  }
});
test("nothing is known of a node that is away, is too slow, or says nonsense", async () => {
  assert.is(await open().book.of("away"), undefined);
  assert.is(await open({ body: "{}" }).book.of("a"), undefined);
  assert.is(await open({ body: JSON.stringify({ ...answer, x: "x".repeat(usageAnswerBytes) }) }).book.of("a"), undefined);
  const { clock, book } = open({ body: null }), slow = book.of("a");
  clock.advance(usageWaitMs);
  assert.is(await slow, undefined);
});

const stored = (name: string, namespace: string, nodeName: string, labels = {}) =>
  ({ name, namespace, uid: `uid-${name}`, labels, fields: { "spec.nodeName": nodeName } }) as never;
const cpu = { cpuNanocores: 1_500_000, memoryBytes: 1025 };
const measured: Measured = {
  ...answer,
  at: Date.parse("2026-06-01T12:00:00Z"),
  containers: [{ podUid: "uid-web", name: "main", ...cpu }, { podUid: "uid-db", name: "main", ...cpu }],
};
const all = [stored("web", "default", "a", { app: "web" }), stored("db", "other", "a"), stored("far", "default", "away")];
const cache = {
  get: (kind: { plural: string }, namespace: string, name: string) =>
    (kind.plural === "nodes" ? [stored("a", "", "")] : all).find((one: { name: string; namespace: string }) =>
      one.name === name && one.namespace === namespace
    ),
  list: (kind: { plural: string }, namespace?: string) =>
    kind.plural === "nodes"
      ? [stored("a", "", ""), stored("away", "", "")]
      : all.filter((one: { namespace: string }) => !namespace || one.namespace === namespace),
};
const sources = metricsSources(cache as never, { of: (name) => Promise.resolve(name === "a" ? measured : undefined) });
const names = async (query: object) => (await sources.pods.list(podMetrics as never, query)).items.map(({ name }) => name);

test("pods are listed by namespace and selectors, like those that were measured", async () => {
  assert.equal(await names({}), ["web", "db"]);
  assert.equal(await names({ namespace: "default" }), ["web"]);
  assert.equal(await names({ labels: parseLabels("!app") }), ["db"]);
  assert.equal(await names({ fields: parseFields("metadata.name=db") }), ["db"]);
  const { object } = await sources.pods.get(podMetrics, { namespace: "default", name: "web" });
  assert.equal(object, {
    metadata: { name: "web", namespace: "default", creationTimestamp: "2026-06-01T12:00:00Z", labels: { app: "web" } },
    timestamp: "2026-06-01T12:00:00Z",
    window: "1.500s",
    containers: [{ name: "main", usage: { cpu: "1500u", memory: "2Ki" } }],
  });
  assert.match((await rejects(sources.pods.get(podMetrics, { namespace: "default", name: "far" }))).message, /"far" not found/);
});
test("a node that says nothing is not in the list", async () => {
  const { items } = await sources.nodes.list(nodeMetrics as never);
  assert.equal(items.map(({ name, object }) => [name, (object as { usage?: object }).usage]), [["a", { cpu: "250m", memory: "3Mi" }]]);
});
