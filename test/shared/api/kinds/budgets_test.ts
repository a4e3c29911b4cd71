import * as assert from "uvu/assert";
import { limitRanges } from "../../../../shared/api/kinds/limit_range.ts";
import { podDisruptionBudgets } from "../../../../shared/api/kinds/pod_disruption_budget.ts";
import { podTemplates } from "../../../../shared/api/kinds/pod_template.ts";
import { replicationControllers } from "../../../../shared/api/kinds/replication_controller.ts";
import { resourceQuotas } from "../../../../shared/api/kinds/resource_quota.ts";
import type { Kind, KubernetesObject } from "../../../../shared/api/resource.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("budgets, bounds, and the older workloads");
const metadata = { name: "a" };
const of = (spec: object): object => ({ metadata, spec });
const limits = (...limits: object[]): object => of({ limits });
const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "web:1" }] } };
const scoped = (scopeName: string, operator: string, values?: string[]) =>
  of({ scopeSelector: { matchExpressions: [{ scopeName, operator, ...values && { values } }] } });
const expression = "spec.scopeSelector.matchExpressions[0]";

const wrong: readonly [kind: Kind<never>, input: object, ...causes: string[]][] = [
  [
    podDisruptionBudgets as never,
    of({ minAvailable: 1, maxUnavailable: 1 }),
    'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
  ],
  [podDisruptionBudgets as never, of({ minAvailable: -1 }), "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"],
  [
    podDisruptionBudgets as never,
    of({ maxUnavailable: "101%" }),
    'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
  ],
  [
    podDisruptionBudgets as never,
    of({ unhealthyPodEvictionPolicy: "No" }),
    'spec.unhealthyPodEvictionPolicy: Unsupported value: "No": supported values: "AlwaysAllow", "IfHealthyBudget"',
  ],
  [
    limitRanges as never,
    limits({ type: "Sea" }),
    'spec.limits[0].type: Invalid value: "Sea": must be a standard limit type or fully qualified',
  ],
  [limitRanges as never, limits({ type: "Pod" }, { type: "Pod" }), 'spec.limits[1].type: Duplicate value: "Pod"'],
  [
    limitRanges as never,
    limits({ type: "Pod", default: { cpu: "1" } }),
    "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
  ],
  [
    limitRanges as never,
    limits({ type: "Pod", min: { cpu: "2" }, max: { cpu: "1500m" } }),
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1500m',
  ],
  [
    limitRanges as never,
    limits({ type: "Pod", min: { cpu: "1" }, max: { cpu: "2" }, maxLimitRequestRatio: { cpu: "3" } }),
    'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
  ],
  [
    limitRanges as never,
    limits({ type: "PersistentVolumeClaim" }),
    "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
  ],
  [
    limitRanges as never,
    limits({ type: "Pod", max: { fish: "1" } }),
    'spec.limits[0].max[fish]: Invalid value: "fish": must be a standard resource type or fully qualified',
  ],
  [resourceQuotas as never, of({ hard: { fish: "1" } }), 'spec.hard[fish]: Invalid value: "fish": must be a standard resource for quota'],
  [resourceQuotas as never, of({ hard: { pods: "500m" } }), 'spec.hard[pods]: Invalid value: "500m": must be an integer'],
  [resourceQuotas as never, of({ hard: { cpu: "-1" } }), 'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
  [
    resourceQuotas as never,
    of({ scopes: ["BestEffort", "NotBestEffort"] }),
    'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
  ],
  [
    resourceQuotas as never,
    of({ scopes: ["BestEffort"], hard: { cpu: "1" } }),
    'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource',
  ],
  [
    resourceQuotas as never,
    scoped("PriorityClass", "In"),
    `${expression}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
  ],
  [
    resourceQuotas as never,
    scoped("PriorityClass", "Near"),
    `${expression}.operator: Invalid value: "Near": not a valid selector operator`,
  ],
  [
    replicationControllers as never,
    of({ template, selector: { app: "db" } }),
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
  ],
  [
    replicationControllers as never,
    of({ replicas: -1 }),
    "spec.selector: Required value",
    "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    "spec.template: Required value",
  ],
  [
    replicationControllers as never,
    of({ template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } }),
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [podTemplates as never, { metadata, template: { spec: { containers: [] } } }, "template.spec.containers: Required value"],
];
for (const [kind, input, ...causes] of wrong) {
  test(`${kind.plural} may not be so: ${causes[0]}`, () => assert.equal(admit(kind as unknown as Kind, input).causes, causes));
}
const spec = <T extends KubernetesObject & { spec?: unknown }>(kind: Kind<T>, input: object): unknown => admit(kind, input).object.spec;
test("what a container gets follows from what it may have", () => {
  const { limits: [item] } = spec(limitRanges, limits({ type: "Container", max: { cpu: "2" }, min: { memory: "1Mi" } })) as {
    limits: object[];
  };
  assert.equal(item, {
    type: "Container",
    max: { cpu: "2" },
    min: { memory: "1Mi" },
    default: { cpu: "2" },
    defaultRequest: { cpu: "2", memory: "1Mi" },
  });
});
test("a replication controller finds its pods by its template, and shows so", () => {
  const { object, causes } = admit(replicationControllers, of({ template }));
  assert.equal(causes, []);
  assert.equal([object.spec!.selector, object.metadata!.labels, object.spec!.replicas], [labels, labels, 1]);
  const { Desired, Selector } = cells(replicationControllers, object);
  assert.equal([Desired, Selector], [1, "app=web"]);
});
test("a quota's scopes do not change", () => {
  const old = admit(resourceQuotas, of({ scopes: ["Terminating"] })).object;
  assert.equal(admit(resourceQuotas, of({ scopes: ["BestEffort"] }), old).causes, [
    'spec.scopes: Invalid value: ["BestEffort"]: field is immutable',
  ]);
});
test("are shown in a row", () => {
  const status = { hard: { pods: "4", "limits.cpu": "2", cpu: "1" }, used: { pods: "1" } };
  const { Request, Limit } = cells(resourceQuotas, { metadata, status });
  assert.equal([Request, Limit], ["cpu: 0/1, pods: 1/4", "limits.cpu: 0/2"]);
  const budget = cells(podDisruptionBudgets, { ...of({ minAvailable: "50%" }), status: { disruptionsAllowed: 1 } });
  assert.equal([budget["Min Available"], budget["Max Unavailable"], budget["Allowed Disruptions"]], ["50%", "N/A", 1]);
  const of1970 = { name: "a", creationTimestamp: "1970-01-01T00:00:00Z" };
  assert.equal(cells(limitRanges, { metadata: of1970 }), { Name: "a", "Created At": "1970-01-01T00:00:00Z" });
  assert.equal(cells(podTemplates, { metadata, template }), { Name: "a", Containers: "web", Images: "web:1", "Pod Labels": "app=web" });
});
