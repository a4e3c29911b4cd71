import * as assert from "uvu/assert";
import { pods } from "../../../../../shared/api/kinds/pod.ts";
import { pullPolicyOf } from "../../../../../shared/api/kinds/pod/defaults.ts";
import { admit } from "../../../../kit/admit.ts";
import { suite } from "../../../../kit/suite.ts";
import { pod, specOf, web } from "./kit.ts";

const test = suite("pods: defaults");

test("get the defaults that clients rely on", () => {
  assert.equal(specOf(pod()), {
    containers: [{
      ...web,
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      imagePullPolicy: "IfNotPresent",
      terminationMessagePolicy: "File",
    }],
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    enableServiceLinks: true,
  });
});

const full = pod({
  hostNetwork: true,
  serviceAccount: "robot",
  initContainers: [{ name: "sidecar", image: "busybox", restartPolicy: "Always", resources: { limits: { cpu: "0.5" } } }],
  containers: [{
    ...web,
    ports: [{ containerPort: 80 }],
    env: [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    resources: { limits: { memory: "1024Mi", cpu: "1" }, requests: { cpu: "500m" } },
    livenessProbe: { httpGet: { port: 80 } },
    readinessProbe: { grpc: { port: 80 } },
    lifecycle: { preStop: { httpGet: { port: "bye", path: "/bye" } } },
    volumeMounts: [{ name: "empty", mountPath: "/empty" }],
  }],
  volumes: [{ name: "empty" }, { name: "keys", secret: { secretName: "keys" } }, { name: "host", hostPath: { path: "/dev" } }, {
    name: "many",
    projected: { sources: [{ serviceAccountToken: { path: "token" } }] },
  }],
});
test("get the defaults of their parts", () => {
  const { initContainers, containers: [main], volumes, ...spec } = specOf(full);
  assert.is(spec.serviceAccountName, "robot");
  assert.equal(initContainers?.[0]?.resources, { limits: { cpu: "500m" }, requests: { cpu: "500m" } });
  assert.is(initContainers?.[0]?.imagePullPolicy, "Always");
  assert.equal(main?.ports, [{ hostPort: 80, containerPort: 80, protocol: "TCP" }]);
  assert.equal(main?.env?.[0]?.valueFrom?.fieldRef, { apiVersion: "v1", fieldPath: "spec.nodeName" });
  assert.equal(main?.resources, { limits: { memory: "1Gi", cpu: "1" }, requests: { memory: "1Gi", cpu: "500m" } });
  assert.equal(main?.livenessProbe, {
    httpGet: { path: "/", port: 80, scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.is(main?.readinessProbe?.grpc?.service, "");
  assert.is(main?.lifecycle?.preStop?.httpGet?.scheme, "HTTP");
  assert.equal(volumes, [
    { name: "empty", emptyDir: {} },
    { name: "keys", secret: { secretName: "keys", defaultMode: 420 } },
    { name: "host", hostPath: { path: "/dev", type: "" } },
    { name: "many", projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3600, path: "token" } }], defaultMode: 420 } },
  ]);
  assert.equal(admit(pods, full).causes, []);
});
test("get the same defaults from an object that has them", () => {
  const once = admit(pods, full).object;
  assert.equal(admit(pods, once).object, once);
});
test("do not get the tolerations that would evict them from a node out of reach", () => {
  assert.is(specOf(pod()).tolerations, undefined);
});
test("keep a zero only where it says something", () => {
  const { containers: [main], ...spec } = specOf(pod({
    hostNetwork: false,
    activeDeadlineSeconds: 1,
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    priority: 0,
    dnsPolicy: "",
    nodeSelector: {},
    tolerations: [],
    containers: [{
      ...web,
      stdin: false,
      command: [],
      securityContext: { runAsUser: 0, privileged: false },
      ports: [{ containerPort: 80, hostPort: 0 }],
    }],
  }));
  assert.is(spec.terminationGracePeriodSeconds, 0);
  assert.is(spec.automountServiceAccountToken, false);
  assert.is(spec.enableServiceLinks, false);
  assert.is(spec.priority, 0);
  assert.is(spec.dnsPolicy, "ClusterFirst");
  for (const key of ["hostNetwork", "nodeSelector", "tolerations"]) assert.not(key in spec, key);
  assert.equal(main?.securityContext, { runAsUser: 0, privileged: false });
  for (const key of ["stdin", "command"]) assert.not(key in main!, key);
  assert.equal(main?.ports, [{ containerPort: 80, protocol: "TCP" }]);
});
test("pullPolicyOf() pulls again what may have changed", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const always = ["nginx", "nginx:latest", "localhost:5000/nginx", "registry:5000/a/b:latest", `nginx:latest@${digest}`];
  const once = ["nginx:1.27", "localhost:5000/nginx:1", `nginx@${digest}`, `nginx:1@${digest}`];
  assert.equal(always.map(pullPolicyOf), always.map(() => "Always"));
  assert.equal(once.map(pullPolicyOf), once.map(() => "IfNotPresent"));
});
