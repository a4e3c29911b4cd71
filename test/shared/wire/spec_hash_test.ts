import * as assert from "uvu/assert";
import type { Container } from "../../../shared/api/kinds/pod/container.ts";
import { pods } from "../../../shared/api/kinds/pod.ts";
import type { PodSpec } from "../../../shared/api/kinds/pod/pod_spec.ts";
import { containerHash, sandboxHash } from "../../../shared/wire/spec_hash.ts";
import { admit } from "../../kit/admit.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("spec hash");

const least = { name: "main", image: "web:1" } as Container;
const full = {
  name: "main",
  image: "registry.example.com/team/web@sha256:00",
  command: ["/bin/web", "--port", "$(PORT)"],
  args: ["-v"],
  workingDir: "/srv",
  envFrom: [{ prefix: "A_", configMapRef: { name: "settings" } }, { secretRef: { name: "keys" } }],
  env: [
    { name: "PORT", value: "8080" },
    { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
    { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "k" } } },
    { name: "MODE", valueFrom: { configMapKeyRef: { name: "settings", key: "mode" } } },
  ],
  volumeMounts: [
    { name: "data", mountPath: "/data", subPath: "web" },
    { name: "host", mountPath: "/host", readOnly: true, mountPropagation: "HostToContainer" },
  ],
  stdin: true,
  tty: true,
  terminationMessagePath: "/tmp/last",
  securityContext: {
    runAsUser: 0,
    runAsGroup: 1000,
    privileged: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
    seccompProfile: { type: "Unconfined" },
  },
  resources: { limits: { cpu: "1", memory: "64Mi", "example.com/gpu": "1" } },
} as Container;
const fullPod = {
  containers: [{ ...full, ports: [{ containerPort: 80, hostPort: 8080 }] }],
  volumes: [{ name: "data", emptyDir: { medium: "Memory" } }, { name: "host", hostPath: { path: "/srv" } }],
  hostname: "box",
  hostPID: true,
  shareProcessNamespace: true,
  dnsPolicy: "None",
  dnsConfig: { nameservers: ["1.1.1.1"], searches: ["example.com"], options: [{ name: "ndots", value: "2" }] },
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["db"] }],
  securityContext: { supplementalGroups: [5], fsGroup: 6, sysctls: [{ name: "net.core.somaxconn", value: "1024" }] },
} as PodSpec;

// These stand in labels of containers on devices that nobody can reach. None of them may ever change; new ones may be added.
test("containerHash() and sandboxHash() give what they have always given", () => {
  assert.is(containerHash({ containers: [least] }, least), "h1:9d340861547194a694bc7cf70bd5151d");
  assert.is(containerHash(fullPod, full), "h1:7c210d9f9d1e22a975a83f10f5738874");
  assert.is(sandboxHash("web", { containers: [least] }), "h1:4cd63934072778007e28dfbb6892d620");
  assert.is(sandboxHash("web", fullPod), "h1:9241cd15c7f258bdce7eb18484210649");
});

test("defaults change no hash: what the API fills in is left out", () => {
  const written = { metadata: { name: "web", namespace: "default" }, spec: { containers: [{ name: "main", image: "web:1" }] } };
  const stored = admit(pods, written).object.spec!;
  assert.ok(Object.keys(stored).length > 3, "the API fills in something");
  assert.is(containerHash(stored, stored.containers[0]!), containerHash(written.spec as PodSpec, least));
  assert.is(sandboxHash("web", stored), sandboxHash("web", written.spec as PodSpec));
});

const hashOf = (change: Partial<Container>, pod: Partial<PodSpec> = {}) =>
  containerHash({ containers: [], ...pod } as PodSpec, { ...least, ...change } as Container);

test("what cannot change under a running container changes its hash", () => {
  const changes: Partial<Container>[] = [
    { image: "web:2" },
    { command: ["a"] },
    { args: ["a"] },
    { workingDir: "/a" },
    { env: [{ name: "A", value: "1" }] },
    { env: [{ name: "A", value: "2" }] },
    { envFrom: [{ configMapRef: { name: "a" } }] },
    { envFrom: [{ secretRef: { name: "a" } }] },
    { volumeMounts: [{ name: "a", mountPath: "/a" }] },
    { volumeMounts: [{ name: "a", mountPath: "/a", readOnly: true }] },
    { securityContext: { runAsUser: 0 } },
    { securityContext: { runAsUser: 1 } },
    { tty: true },
    { resources: { limits: { "hugepages-2Mi": "4Mi" } } },
  ];
  const hashes = [hashOf({}), ...changes.map((change) => hashOf(change))];
  assert.is(new Set(hashes).size, hashes.length);
  for (const hash of hashes) assert.match(hash, /^h1:[0-9a-f]{32}$/);
});

test("what can, does not: resources that can be resized, probes, hooks, policies, ports", () => {
  const changes: Partial<Container>[] = [
    { resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1" } } },
    { livenessProbe: { exec: { command: ["a"] } } },
    { lifecycle: { preStop: { sleep: { seconds: 1 } } } },
    { imagePullPolicy: "Always" },
    { restartPolicy: "Always" },
    { ports: [{ containerPort: 80 }] },
    { volumeMounts: [] },
    { tty: false },
    { command: [] },
  ];
  for (const change of changes) assert.is(hashOf(change), hashOf({}), JSON.stringify(change));
});

test("a sandbox is another for its name, its network and its host ports; labels and containers do not matter", () => {
  const of = (spec: Partial<PodSpec>) => sandboxHash("web", { containers: [least], ...spec } as PodSpec);
  const port = (hostPort?: number) => of({ containers: [{ ...least, ports: [{ containerPort: 80, ...(hostPort && { hostPort }) }] }] });
  const hashes = [
    of({}),
    of({ hostname: "a" }),
    of({ hostNetwork: true }),
    of({ hostPID: true }),
    of({ dnsPolicy: "Default" }),
    port(80),
    port(81),
  ];
  assert.is(new Set(hashes).size, hashes.length);
  assert.is(port(), of({}));
  assert.is(of({ containers: [{ ...least, image: "web:2" }] }), of({}));
  assert.is.not(sandboxHash("db", { containers: [least] }), of({}));
});
