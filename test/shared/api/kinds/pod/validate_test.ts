// What a pod may not have, in the words of Kubernetes.
import * as assert from "uvu/assert";
import { pods } from "../../../../../shared/api/kinds/pod.ts";
import { admit } from "../../../../kit/admit.ts";
import { suite } from "../../../../kit/suite.ts";
import { container, metadata, pod, web } from "./kit.ts";

const test = suite("pods: validation");

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
