import * as assert from "uvu/assert";
import { configMaps } from "../../../../shared/api/kinds/configmap.ts";
import { deployments } from "../../../../shared/api/kinds/deployment.ts";
import { persistentVolumeClaims } from "../../../../shared/api/kinds/persistent_volume_claim.ts";
import { pods } from "../../../../shared/api/kinds/pod.ts";
import { type ResourceQuota, resourceQuotas, type ResourceQuotaSpec } from "../../../../shared/api/kinds/resource_quota.ts";
import { services } from "../../../../shared/api/kinds/service.ts";
import type { Kind } from "../../../../shared/api/resource.ts";
import { chargeQuotas, written } from "../../../../master/registry/policies/quota.ts";
import { usage } from "../../../../master/registry/policies/quota_usage.ts";
import { pod } from "../../../kit/admission.ts";
import { admit } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("quotas");

const quota = (
  hard: Record<string, string>,
  used: Record<string, string> | undefined,
  spec: Partial<ResourceQuotaSpec> = {},
): ResourceQuota => {
  const { object, causes } = admit(resourceQuotas, { metadata: { name: "q", namespace: "default" }, spec: { hard, ...spec } });
  assert.equal(causes, []);
  return { ...object, status: { hard, ...(used && { used }) } };
};
const charged = <T>(kind: Kind<T>, object: object, given: ResourceQuota, old?: object) => {
  const verdict = chargeQuotas({ kind, object, old, now: 0 } as never, [given]);
  return verdict.error ? verdict.error.message : verdict.quotas!.get(given)?.status?.used;
};
const taken = <T>(kind: Kind<T>, object: object) => written(usage(kind as never, object as never, 0));
const container = (resources: object, name = "c") => ({ name, image: "i", resources });

test("chargeQuotas() counts what is new, and refuses what is too much with all three figures", () => {
  assert.equal(charged(pods, pod(), quota({ pods: "10" }, { pods: "9" })), { pods: "10" });
  assert.is(
    charged(pods, pod(), quota({ pods: "10" }, { pods: "10" })),
    'pods "web" is forbidden: exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10',
  );
  const large = pod({ containers: [container({ requests: { cpu: "1500m", memory: "1Gi" }, limits: { memory: "2Gi" } })] });
  const hard = { "requests.cpu": "2", memory: "2Gi", "limits.memory": "2Gi" };
  assert.equal(charged(pods, large, quota(hard, { "requests.cpu": "500m", memory: "0", "limits.memory": "0" })), {
    "requests.cpu": "2",
    memory: "1Gi",
    "limits.memory": "2Gi",
  });
  assert.is(
    charged(pods, large, quota(hard, { "requests.cpu": "501m", memory: "0", "limits.memory": "1" })),
    'pods "web" is forbidden: exceeded quota: q, requested: limits.memory=2Gi,requests.cpu=1500m, used: limits.memory=1,requests.cpu=501m, ' +
      "limited: limits.memory=2Gi,requests.cpu=2",
  );
});

test("chargeQuotas() wants of each container said what the quota measures", () => {
  const given = quota({ "limits.cpu": "1", "requests.memory": "1Gi" }, { "limits.cpu": "0", "requests.memory": "0" });
  const spec = {
    containers: [container({ limits: { cpu: "1" } }, "a"), container({ requests: { memory: "1" } }, "b")],
    initContainers: [container({}, "z")],
  };
  assert.is(
    charged(pods, pod(spec), given),
    'pods "web" is forbidden: failed quota: q: must specify limits.cpu for: b,z; requests.memory for: a,z',
  );
});

test("chargeQuotas() lets nobody in whose share has not been counted yet", () => {
  assert.is(
    charged(pods, pod(), quota({ pods: "10" }, undefined)),
    'pods "web" is forbidden: status unknown for quota: q, resources: pods',
  );
});

test("chargeQuotas() asks an update for the difference, and of what becomes less nothing", () => {
  const claim = (storage: string) => ({ metadata: { name: "disk" }, spec: { resources: { requests: { storage } } } });
  const given = quota({ "requests.storage": "10Gi", persistentvolumeclaims: "1" }, {
    "requests.storage": "8Gi",
    persistentvolumeclaims: "1",
  });
  assert.equal(charged(persistentVolumeClaims, claim("4Gi"), given, claim("2Gi")), {
    "requests.storage": "10Gi",
    persistentvolumeclaims: "1",
  });
  assert.is(charged(persistentVolumeClaims, claim("1Gi"), given, claim("2Gi")), undefined);
  assert.match(
    charged(persistentVolumeClaims, claim("5Gi"), given, claim("2Gi")) as string,
    /exceeded quota: q, requested: requests.storage=3Gi, used: requests.storage=8Gi, limited: requests.storage=10Gi$/,
  );
});

test("a quota with scopes counts the pods in all of them, and nothing else", () => {
  const counts = (spec: object, scopes: Partial<ResourceQuotaSpec>) =>
    charged(pods, pod(spec), quota({ pods: "10" }, { pods: "0" }, scopes)) !== undefined;
  const brief = { activeDeadlineSeconds: 0 }, sized = { containers: [container({ requests: { cpu: "1" } })] };
  const both = (
    scope: string,
    other: string,
    spec: object,
  ) => [
    counts(spec, { scopes: [scope] }),
    counts({}, { scopes: [scope] }),
    counts(spec, { scopes: [other] }),
    counts({}, { scopes: [other] }),
  ];
  assert.equal(both("Terminating", "NotTerminating", brief), [true, false, false, true]);
  assert.equal(both("NotBestEffort", "BestEffort", sized), [true, false, false, true]);
  assert.equal([
    counts(brief, { scopes: ["Terminating", "NotBestEffort"] }),
    counts({ ...brief, ...sized }, { scopes: ["Terminating", "NotBestEffort"] }),
  ], [
    false,
    true,
  ]);
  const high = { priorityClassName: "high" };
  const by = (operator: string, values: string[] = []) => {
    const rules = { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator, values }] } };
    return [counts(high, rules), counts({}, rules)];
  };
  assert.equal([by("Exists"), by("DoesNotExist"), by("In", ["high"]), by("In", ["low"]), by("NotIn", ["high"])], [
    [true, false],
    [false, true],
    [true, false],
    [false, false],
    [false, true],
  ]);
  assert.is(
    charged(services, { metadata: { name: "s" } }, {
      ...quota({ pods: "1" }, {}, { scopes: ["BestEffort"] }),
      status: { hard: { services: "0" } },
    }),
    undefined,
  );
});

test("usage() knows what every kind takes", () => {
  assert.equal(taken(configMaps, {}), { "count/configmaps": "1", configmaps: "1" });
  assert.equal(taken(deployments, {}), { "count/deployments.apps": "1" });
  const service = (spec: object) => {
    const { "services.nodeports": nodePorts, "services.loadbalancers": balancers } = taken(services, { spec });
    return [nodePorts, balancers];
  };
  const ports = [{ port: 1 }, { port: 2, nodePort: 30_000 }];
  assert.equal([service({ ports }), service({ ports, type: "NodePort" }), service({ ports, type: "LoadBalancer" })], [["0", "0"], [
    "2",
    "0",
  ], ["2", "1"]]);
  assert.equal(service({ ports, type: "LoadBalancer", allocateLoadBalancerNodePorts: false }), ["1", "1"]);
  assert.equal(taken(persistentVolumeClaims, { spec: { storageClassName: "fast", resources: { requests: { storage: "1Gi" } } } }), {
    "count/persistentvolumeclaims": "1",
    persistentvolumeclaims: "1",
    "requests.storage": "1Gi",
    "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
  });
  const requests = { cpu: "1", "example.com/gpu": "2", "hugepages-2Mi": "4Mi" };
  assert.equal(taken(pods, { ...pod({ containers: [container({ requests, limits: { cpu: "2" } })], overhead: { cpu: "100m" } }) }), {
    "count/pods": "1",
    pods: "1",
    cpu: "1100m",
    "requests.cpu": "1100m",
    "limits.cpu": "2100m",
    "requests.example.com/gpu": "2",
    "hugepages-2Mi": "4Mi",
    "requests.hugepages-2Mi": "4Mi",
  });
  assert.equal(taken(pods, { ...pod(), status: { phase: "Failed" } }), { "count/pods": "1" }, "what has ended takes only its place");
  const ending = { deletionTimestamp: "1970-01-01T00:00:10Z", deletionGracePeriodSeconds: 5 };
  assert.equal([14_999, 15_001].map((now) => "pods" in usage(pods as never, pod({}, { metadata: ending }) as never, now)), [true, false]);
});
