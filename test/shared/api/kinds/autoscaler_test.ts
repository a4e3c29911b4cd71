import * as assert from "uvu/assert";
import { type HorizontalPodAutoscaler, horizontalPodAutoscalers } from "../../../../shared/api/kinds/horizontal_pod_autoscaler.ts";
import { fromV1, horizontalPodAutoscalersV1, toV1 } from "../../../../shared/api/kinds/horizontal_pod_autoscaler_v1.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("autoscalers");
const scaleTargetRef = { kind: "Deployment", name: "web", apiVersion: "apps/v1" };
const autoscaler = (spec: object = {}): object => ({ metadata: { name: "web" }, spec: { scaleTargetRef, maxReplicas: 5, ...spec } });
const cpu = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});
const pods = { type: "Pods", pods: { metric: { name: "waves" }, target: { type: "AverageValue", averageValue: "10" } } };
const object = {
  type: "Object",
  object: { describedObject: scaleTargetRef, target: { type: "Value", value: "3" }, metric: { name: "tide" } },
};
const external = { type: "External", external: { metric: { name: "wind" }, target: { type: "AverageValue", averageValue: "2" } } };

test("get a metric, and rules where they have any", () => {
  const { spec } = admit(horizontalPodAutoscalers, autoscaler({ behavior: { scaleUp: { stabilizationWindowSeconds: 7 } } })).object;
  assert.equal([spec.minReplicas, spec.metrics], [1, [cpu(80)]]);
  assert.equal(spec.behavior, {
    scaleUp: {
      selectPolicy: "Max",
      policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, { type: "Percent", value: 100, periodSeconds: 15 }],
      stabilizationWindowSeconds: 7,
    },
    scaleDown: { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
  });
});
const m = "spec.metrics[0]";
const wrong: readonly [input: object, ...causes: string[]][] = [
  [
    autoscaler({ maxReplicas: 0 }),
    "spec.maxReplicas: Invalid value: 0: must be greater than 0",
    "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
  ],
  [
    autoscaler({ scaleTargetRef: { kind: "Deployment", name: "a/b" } }),
    `spec.scaleTargetRef.name: Invalid value: "a/b": may not contain '/'`,
  ],
  [autoscaler({ minReplicas: 0 }), "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
  [
    autoscaler({ scaleTargetRef: { kind: "", name: "a" } }),
    "spec.scaleTargetRef.kind: Required value",
  ],
  [
    autoscaler({ metrics: [{ type: "Tide" }] }),
    `${m}.type: Unsupported value: "Tide": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
  ],
  [autoscaler({ metrics: [{ type: "Pods" }] }), `${m}.pods: Required value: must populate information for the given metric source`],
  [autoscaler({ metrics: [{ ...cpu(0), pods: pods.pods }] }), `${m}.pods: Forbidden: must populate the given metric source only`],
  [autoscaler({ metrics: [cpu(0)] }), `${m}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`],
  [
    autoscaler({ metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Value", value: "-1" } } }] }),
    `${m}.resource.target.value: Invalid value: "-1": must be positive`,
    `${m}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
  ],
  [
    autoscaler({ behavior: { scaleDown: { policies: [{ type: "All", value: 0, periodSeconds: 1801 }], selectPolicy: "No" } } }),
    'spec.behavior.scaleDown.selectPolicy: Unsupported value: "No": supported values: "Disabled", "Max", "Min"',
    'spec.behavior.scaleDown.policies[0].type: Unsupported value: "All": supported values: "Percent", "Pods"',
    "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
    "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
  ],
];
for (const [input, ...causes] of wrong) {
  test(`may not be so: ${causes[0]}`, () => assert.equal(admit(horizontalPodAutoscalers, input).causes, causes));
}
test("show what is and what is to be, of the first two metrics", () => {
  const targets = (metrics: object[], currentMetrics: object[] = []) =>
    cells(horizontalPodAutoscalers, { ...autoscaler({ metrics, minReplicas: 2 }), status: { currentReplicas: 3, currentMetrics } });
  const current = [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 12 } } }];
  const { Reference, Targets, MinPods, MaxPods, Replicas } = targets([cpu(80)], current);
  assert.equal([Reference, Targets, MinPods, MaxPods, Replicas], ["Deployment/web", "cpu: 12%/80%", "2", 5, 3]);
  assert.is(targets([cpu(80), external, object, pods]).Targets, "cpu: <unknown>/80%, <unknown>/2 (avg) + 2 more...");
});
test("are the same in v1 and back, with what v1 has no field for in annotations", () => {
  const metrics = [pods, object, external, cpu(60)], conditions = [{ type: "AbleToScale", status: "True" }];
  const behavior = { scaleDown: { selectPolicy: "Disabled", policies: [{ type: "Pods", value: 1, periodSeconds: 15 }] } };
  const whole = {
    ...admit(horizontalPodAutoscalers, autoscaler({ metrics, behavior })).object,
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    status: { desiredReplicas: 2, currentReplicas: 1, conditions },
  } as HorizontalPodAutoscaler;
  const v1 = toV1(whole);
  assert.is(v1.spec.targetCPUUtilizationPercentage, 60);
  assert.equal(Object.keys(v1.metadata!.annotations!).map((key) => key.split("/")[1]), ["metrics", "behavior", "conditions"]);
  assert.equal(fromV1(v1), whole);
  assert.equal(admit(horizontalPodAutoscalersV1, v1).causes, []);
  assert.is(cells(horizontalPodAutoscalersV1, v1).Reference, "Deployment/web");
});
test("in v1 keep an annotation that nobody can read", () => {
  const annotations = { "autoscaling.alpha.kubernetes.io/behavior": "{", "autoscaling.alpha.kubernetes.io/conditions": "[{}]" };
  const back = fromV1({ metadata: { annotations }, spec: { scaleTargetRef, maxReplicas: 1 } } as never);
  assert.equal(back.metadata!.annotations, annotations);
});
