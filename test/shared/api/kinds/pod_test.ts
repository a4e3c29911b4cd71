import * as assert from "uvu/assert";
import { pods } from "../../../../shared/api/kinds/pod.ts";
import { pullPolicyOf } from "../../../../shared/api/kinds/pod/defaults.ts";
import { qosClass } from "../../../../shared/api/kinds/pod/qos.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("pods");
const metadata = { name: "web" };
const web = { name: "web", image: "nginx:1.27" };
const pod = (spec: object = {}): object => ({ metadata, spec: { containers: [web], ...spec } });
const container = (more: object): object => pod({ containers: [{ ...web, ...more }] });
const specOf = (input: object) => admit(pods, input).object.spec!;

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
    preemptionPolicy: "PreemptLowerPriority",
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

const dns1123 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const wrong: readonly [title: string, input: object, ...causes: string[]][] = [
  ["no spec", { metadata }, "spec.containers: Required value"],
  ["no containers", pod({ containers: [] }), "spec.containers: Required value"],
  ["a container without a name", pod({ containers: [{ image: "a" }] }), "spec.containers[0].name: Required value"],
  ["a container without an image", pod({ containers: [{ name: "a" }] }), "spec.containers[0].image: Required value"],
  ["a bad name", container({ name: "A_b" }), `spec.containers[0].name: Invalid value: "A_b": ${dns1123}`],
  ["a name twice", pod({ containers: [web, web] }), 'spec.containers[1].name: Duplicate value: "web"'],
  ["an init container of the same name", pod({ initContainers: [web] }), 'spec.initContainers[0].name: Duplicate value: "web"'],
  [
    "an image with a blank",
    container({ image: "a " }),
    'spec.containers[0].image: Invalid value: "a ": must not have leading or trailing whitespace',
  ],
  [
    "an unknown restart policy",
    pod({ restartPolicy: "Sometimes" }),
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
  ],
  [
    "a port out of range",
    container({ ports: [{ containerPort: 65_536 }] }),
    "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
  ],
  [
    "a long port name",
    container({ ports: [{ containerPort: 1, name: "much-too-long-name" }] }),
    'spec.containers[0].ports[0].name: Invalid value: "much-too-long-name": must be no more than 15 characters',
  ],
  [
    "a port name twice",
    container({ ports: [{ containerPort: 1, name: "a" }, { containerPort: 2, name: "a" }] }),
    'spec.containers[0].ports[1].name: Duplicate value: "a"',
  ],
  [
    "a host port twice",
    container({ ports: [{ containerPort: 1, hostPort: 9 }, { containerPort: 2, hostPort: 9 }] }),
    'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
  ],
  [
    "a host port that the host network cannot give",
    pod({ hostNetwork: true, containers: [{ ...web, ports: [{ containerPort: 80, hostPort: 81 }] }] }),
    "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
  ],
  [
    "a variable with =",
    container({ env: [{ name: "A=B" }] }),
    `spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '=' (regex used for validation is '[ -<>-~]+')`,
  ],
  [
    "a variable with a value and a source",
    container({ env: [{ name: "A", value: "b", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] }),
    'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
  ],
  [
    "a field of the pod that no variable shows",
    container({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.containers" } } }] }),
    'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.containers": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
  ],
  [
    "a mount of no volume",
    container({ volumeMounts: [{ name: "data", mountPath: "/data" }] }),
    'spec.containers[0].volumeMounts[0].name: Not found: "data"',
  ],
  [
    "two mounts in one place",
    pod({
      volumes: [{ name: "d" }],
      containers: [{ ...web, volumeMounts: [{ name: "d", mountPath: "/d" }, { name: "d", mountPath: "/d" }] }],
    }),
    'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/d": must be unique',
  ],
  [
    "a way out of a volume",
    pod({ volumes: [{ name: "d" }], containers: [{ ...web, volumeMounts: [{ name: "d", mountPath: "/d", subPath: "../x" }] }] }),
    "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'",
  ],
  ["a volume twice", pod({ volumes: [{ name: "d" }, { name: "d" }] }), 'spec.volumes[1].name: Duplicate value: "d"'],
  [
    "a volume of two kinds",
    pod({ volumes: [{ name: "d", emptyDir: {}, hostPath: { path: "/d" } }] }),
    "spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type",
  ],
  ["a secret volume without a secret", pod({ volumes: [{ name: "d", secret: {} }] }), "spec.volumes[0].secret.secretName: Required value"],
  [
    "a mode beyond 0777",
    pod({ volumes: [{ name: "d", configMap: { name: "c", defaultMode: 512 } }] }),
    "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
  ],
  [
    "more requested than allowed",
    container({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    "an unknown resource",
    container({ resources: { limits: { gpu: "1" } } }),
    'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
  ],
  [
    "a negative quantity",
    container({ resources: { requests: { memory: "-1" } } }),
    'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [
    "huge pages promised twice",
    container({ resources: { requests: { "hugepages-2Mi": "2Mi" }, limits: { "hugepages-2Mi": "4Mi" } } }),
    'spec.containers[0].resources.requests: Invalid value: "2Mi": must be equal to hugepages-2Mi limit of 4Mi',
  ],
  [
    "half a device",
    container({ resources: { limits: { "example.com/gpu": "500m" } } }),
    'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
    'spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer',
  ],
  [
    "a probe that does nothing",
    container({ livenessProbe: {} }),
    "spec.containers[0].livenessProbe: Required value: must specify a handler type",
  ],
  [
    "a probe that does two things",
    container({ livenessProbe: { exec: { command: ["a"] }, tcpSocket: { port: 1 } } }),
    "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
  ],
  [
    "a liveness probe that needs two successes",
    container({ livenessProbe: { exec: { command: ["a"] }, successThreshold: 2 } }),
    "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
  ],
  [
    "a probe of an init container",
    pod({ initContainers: [{ name: "i", image: "i", livenessProbe: { exec: { command: ["a"] } } }] }),
    "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
  ],
  [
    "a toleration of every key by value",
    pod({ tolerations: [{ value: "a" }] }),
    'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ],
  [
    "a node affinity without terms",
    pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }),
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value",
  ],
  [
    "a weight of 101",
    pod({
      affinity: {
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, podAffinityTerm: { topologyKey: "zone" } }] },
      },
    }),
    "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100",
  ],
  [
    "no skew",
    pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] }),
    "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than 0",
  ],
  ["DNS by nobody", pod({ dnsPolicy: "None" }), "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
  [
    "a deadline of zero",
    pod({ activeDeadlineSeconds: 0 }),
    "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
  ],
  ["a host name that is none", pod({ hostname: "a.b" }), `spec.hostname: Invalid value: "a.b": ${dns1123}`],
  [
    "privileges without more privileges",
    container({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
  ],
  [
    "ephemeral containers at birth",
    pod({ ephemeralContainers: [{ name: "d", image: "d" }] }),
    "spec.ephemeralContainers: Forbidden: cannot be set on create",
  ],
  [
    "a node although the gates are closed",
    pod({ nodeName: "pi-7", schedulingGates: [{ name: "example.com/wait" }] }),
    "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
  ],
];
for (const [title, input, ...causes] of wrong) test(`may not have ${title}`, () => assert.equal(admit(pods, input).causes, causes));

const only =
  "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";
const updates: readonly [title: string, from: object, to: object, ...causes: string[]][] = [
  ["may get another image", pod(), container({ image: "nginx:2", imagePullPolicy: "IfNotPresent" })],
  ["may get a deadline", pod(), pod({ activeDeadlineSeconds: 9 })],
  [
    "may not get more time",
    pod({ activeDeadlineSeconds: 9 }),
    pod({ activeDeadlineSeconds: 10 }),
    "spec.activeDeadlineSeconds: Invalid value: 10: must be less than or equal to previous value",
  ],
  ["may tolerate more", pod({ tolerations: [{ key: "a" }] }), pod({ tolerations: [{ key: "a" }, { key: "b" }] })],
  [
    "may not tolerate less",
    pod({ tolerations: [{ key: "a" }] }),
    pod(),
    "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
  ],
  ["may lose a gate", pod({ schedulingGates: [{ name: "a" }] }), pod()],
  [
    "may not get a gate",
    pod(),
    pod({ schedulingGates: [{ name: "a" }] }),
    "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a'",
  ],
  [
    "may be confined to fewer nodes while gated",
    pod({ schedulingGates: [{ name: "a" }] }),
    pod({ schedulingGates: [{ name: "a" }], nodeSelector: { a: "b" } }),
  ],
  ["may not move", pod({ nodeName: "a" }), pod({ nodeName: "b" }), `${only}-spec.nodeName: "a"\n+spec.nodeName: "b"`],
  [
    "may not get other variables",
    pod(),
    container({ env: [{ name: "A", value: "b" }] }),
    `${only}+spec.containers[0].env: [{"name":"A","value":"b"}]`,
  ],
  [
    "may not get another container",
    pod(),
    pod({ containers: [web, { ...web, name: "b" }] }),
    "spec.containers: Forbidden: pod updates may not add or remove containers",
  ],
];
for (const [title, from, to, ...causes] of updates) {
  test(title, () => assert.equal(admit(pods, to, admit(pods, from).object).causes, causes));
}
test("may be given one second to stop if they had less than none", () => {
  const old = { ...admit(pods, pod()).object };
  old.spec = { ...old.spec!, terminationGracePeriodSeconds: -1 };
  assert.equal(admit(pods, pod({ terminationGracePeriodSeconds: 1 }), old).causes, []);
  assert.is(admit(pods, pod({ terminationGracePeriodSeconds: 1 }), admit(pods, pod()).object).causes.length, 1);
});
test("that an older release has let in can still be written", () => {
  const lax = admit(pods, container({ volumeMounts: [{ name: "gone", mountPath: "/gone" }] })).object;
  assert.equal(admit(pods, { ...lax, metadata: { ...metadata, labels: { a: "b" } } }, lax).causes, []);
});
test("keep what admission chose when a writer leaves it out", () => {
  const old = admit(pods, pod({ serviceAccountName: "robot", priority: 7, preemptionPolicy: "Never" })).object;
  assert.equal(admit(pods, pod(), old), { object: old, causes: [] });
});

const limits = { cpu: "1", memory: "1Gi" };
const qos: readonly [wanted: string, ...resources: object[]][] = [
  ["BestEffort", {}],
  ["BestEffort", { limits: { "ephemeral-storage": "1Gi" } }],
  ["Burstable", { requests: { cpu: "1" } }],
  ["Burstable", { limits }, {}],
  ["Burstable", { limits, requests: { cpu: "1", memory: "512Mi" } }],
  ["Guaranteed", { limits }],
  ["Guaranteed", { limits, requests: { cpu: "1000m", memory: "1024Mi" } }, { limits }],
];
for (const [wanted, ...resources] of qos) {
  test(`qosClass() is ${wanted} for ${JSON.stringify(resources)}`, () => {
    const containers = resources.map((resources, i) => ({ name: `c${i}`, image: "a:1", resources }));
    assert.is(qosClass({ spec: specOf(pod({ containers })) }), wanted);
  });
}

// --- What kubectl shows

const now = Date.parse("2024-05-01T12:00:00Z"), ago = (seconds: number) => new Date(now - seconds * 1000).toISOString();
const running = (name: string, more: object = {}) => ({ name, ready: true, restartCount: 0, state: { running: {} }, ...more });
const waiting = (name: string, reason: string) => ({ name, ready: false, restartCount: 0, state: { waiting: { reason } } });
const ended = (name: string, terminated: object, more: object = {}) => ({
  name,
  ready: false,
  restartCount: 0,
  state: { terminated },
  ...more,
});
const done = { exitCode: 0, reason: "Completed" };
const condition = (type: string, status = "True", reason = "") => ({ type, status, reason });
const two = [web, { name: "b", image: "b" }];
const inits = [{ name: "i", image: "i" }, { name: "j", image: "j" }];
const sidecar = [{ name: "s", image: "s", restartPolicy: "Always" }];

const shown: readonly [
  title: string,
  ready: string,
  status: string,
  restarts: string,
  pod: { spec?: object; status?: object; metadata?: object },
][] = [
  ["nothing known", "0/1", "", "0", {}],
  ["new", "0/1", "Pending", "0", { status: { phase: "Pending" } }],
  ["gated", "0/1", "SchedulingGated", "0", {
    status: { phase: "Pending", conditions: [condition("PodScheduled", "False", "SchedulingGated")] },
  }],
  ["being made", "0/1", "ContainerCreating", "0", {
    status: { phase: "Pending", containerStatuses: [waiting("web", "ContainerCreating")] },
  }],
  ["running", "1/1", "Running", "0", { status: { phase: "Running", containerStatuses: [running("web")] } }],
  ["running but not ready", "0/1", "Running", "0", { status: { phase: "Running", containerStatuses: [running("web", { ready: false })] } }],
  ["crashing", "1/2", "CrashLoopBackOff", "3 (90s ago)", {
    spec: { containers: two },
    status: {
      phase: "Running",
      containerStatuses: [
        { ...waiting("web", "CrashLoopBackOff"), restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: ago(90) } } },
        running("b"),
      ],
    },
  }],
  ["two that wait: the first counts", "0/2", "ErrImagePull", "0", {
    spec: { containers: two },
    status: { phase: "Pending", containerStatuses: [waiting("web", "ErrImagePull"), waiting("b", "ImagePullBackOff")] },
  }],
  ["restarted at an unknown time", "1/1", "Running", "2", {
    status: { phase: "Running", containerStatuses: [running("web", { restartCount: 2 })] },
  }],
  ["done", "0/1", "Completed", "0", { status: { phase: "Succeeded", containerStatuses: [ended("web", done)] } }],
  ["failed", "0/1", "Error", "0", { status: { phase: "Failed", containerStatuses: [ended("web", { exitCode: 1, reason: "Error" })] } }],
  ["ended by a signal", "0/1", "Signal:9", "0", {
    status: { phase: "Failed", containerStatuses: [ended("web", { exitCode: 137, signal: 9 })] },
  }],
  ["ended by itself", "0/1", "ExitCode:3", "0", { status: { phase: "Failed", containerStatuses: [ended("web", { exitCode: 3 })] } }],
  ["one done, the other ready", "1/2", "Running", "0", {
    spec: { containers: two },
    status: { phase: "Running", conditions: [condition("Ready")], containerStatuses: [ended("web", done), running("b")] },
  }],
  ["one done, the pod not ready", "1/2", "NotReady", "0", {
    spec: { containers: two },
    status: { phase: "Running", containerStatuses: [ended("web", done), running("b")] },
  }],
  ["evicted", "0/1", "Evicted", "0", { status: { phase: "Failed", reason: "Evicted" } }],
  ["on its way out", "1/1", "Terminating", "0", {
    metadata: { deletionTimestamp: ago(1) },
    status: { phase: "Running", containerStatuses: [running("web")] },
  }],
  ["on its way out and done", "0/1", "Completed", "0", {
    metadata: { deletionTimestamp: ago(1) },
    status: { phase: "Succeeded", containerStatuses: [ended("web", done)] },
  }],
  ["on its way out, its node lost", "0/1", "Unknown", "0", {
    metadata: { deletionTimestamp: ago(1) },
    status: { phase: "Running", reason: "NodeLost" },
  }],
  ["initializing", "0/1", "Init:1/2", "0", {
    spec: { initContainers: inits },
    status: {
      phase: "Pending",
      initContainerStatuses: [ended("i", done), running("j")],
      containerStatuses: [waiting("web", "PodInitializing")],
    },
  }],
  ["waiting to initialize", "0/1", "Init:0/2", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [waiting("i", "PodInitializing"), waiting("j", "PodInitializing")] },
  }],
  ["initializing in vain", "0/1", "Init:CrashLoopBackOff", "4 (5m ago)", {
    spec: { initContainers: inits },
    status: {
      phase: "Pending",
      initContainerStatuses: [
        { ...waiting("i", "CrashLoopBackOff"), restartCount: 4, lastState: { terminated: { exitCode: 1, finishedAt: ago(300) } } },
      ],
    },
  }],
  ["init failed with a word", "0/1", "Init:Error", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [ended("i", { exitCode: 1, reason: "Error" })] },
  }],
  ["init failed", "0/1", "Init:ExitCode:2", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [ended("i", { exitCode: 2 })] },
  }],
  ["init killed", "0/1", "Init:Signal:9", "0", {
    spec: { initContainers: inits },
    status: { phase: "Pending", initContainerStatuses: [ended("i", { exitCode: 137, signal: 9 })] },
  }],
  ["initialized: its restarts no longer count", "1/1", "Running", "0", {
    spec: { initContainers: [inits[0]] },
    status: {
      phase: "Running",
      initContainerStatuses: [ended("i", done, { restartCount: 5 })],
      containerStatuses: [running("web")],
    },
  }],
  ["with a sidecar", "2/2", "Running", "1 (2m ago)", {
    spec: { initContainers: sidecar },
    status: {
      phase: "Running",
      initContainerStatuses: [
        running("s", { started: true, restartCount: 1, lastState: { terminated: { exitCode: 1, finishedAt: ago(120) } } }),
      ],
      containerStatuses: [running("web")],
    },
  }],
  ["with a sidecar that has not started", "0/2", "Init:0/1", "0", {
    spec: { initContainers: sidecar },
    status: { phase: "Pending", initContainerStatuses: [running("s", { started: false, ready: false })] },
  }],
  ["initialized long ago, its sidecar down", "1/2", "Init:CrashLoopBackOff", "0", {
    spec: { initContainers: sidecar },
    status: {
      phase: "Running",
      conditions: [condition("Initialized")],
      initContainerStatuses: [waiting("s", "CrashLoopBackOff")],
      containerStatuses: [running("web")],
    },
  }],
];
for (const [title, Ready, Status, Restarts, given] of shown) {
  test(`show ${Status || "nothing"}: ${title}`, () => {
    const row = cells(pods, {
      metadata: { ...metadata, ...given.metadata },
      spec: { containers: [web], ...given.spec },
      status: given.status,
    }, now);
    assert.equal({ Ready: row["Ready"], Status: row["Status"], Restarts: row["Restarts"] }, { Ready, Status, Restarts });
  });
}
test("show where they are when asked for more", () => {
  const input = {
    metadata: { ...metadata, creationTimestamp: ago(7200) },
    spec: { containers: [web], nodeName: "pi-7", readinessGates: [{ conditionType: "a" }, { conditionType: "b" }] },
    status: { podIPs: [{ ip: "10.1.0.2" }], conditions: [condition("a"), condition("b", "False")] },
  };
  assert.equal(cells(pods, input, now), {
    Name: "web",
    Ready: "0/1",
    Status: "",
    Restarts: "0",
    Age: "120m",
    IP: "10.1.0.2",
    Node: "pi-7",
    "Nominated Node": "<none>",
    "Readiness Gates": "1/2",
  });
});
test("are born Pending with their class", () => {
  const { object } = admit(pods, container({ resources: { limits } }));
  pods.born!(object);
  assert.equal(object.status, { phase: "Pending", qosClass: "Guaranteed" });
});
