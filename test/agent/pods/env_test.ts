import { Buffer } from "node:buffer";
import * as assert from "uvu/assert";
import { Desired, desiredPod } from "../../../agent/pods/desired.ts";
import { expand, resolveEnv, serviceEnv } from "../../../agent/pods/env.ts";
import type { Container } from "../../../shared/api/kinds/pod/container.ts";
import { configMapObject, podObject, setOf } from "../../kit/pods.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("resolveEnv");
const place = {
  nodeName: "n1",
  hostIP: "192.0.2.1",
  podIP: "10.0.0.2",
  allocatable: { cpu: "4", memory: "1Gi", "ephemeral-storage": "8Gi" },
};
const secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "keys", namespace: "default", uid: "uid-keys" },
  data: { token: Buffer.from("s3cret").toString("base64") },
};
const service = (name: string, namespace: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace, uid: `uid-${namespace}-${name}` },
  spec,
});
const web = service("web-api", "default", {
  clusterIP: "10.202.0.7",
  ports: [{ name: "http", port: 80 }, { name: "dns-udp", port: 53, protocol: "UDP" }],
});
const objects = [
  configMapObject("settings", { mode: "dark", "a.b": "1" }),
  secret,
  web,
  service("headless", "default", { clusterIP: "None", ports: [{ port: 1 }] }),
  service("elsewhere", "other", { clusterIP: "10.202.0.8", ports: [{ port: 1 }] }),
  service("kubernetes", "default", { clusterIP: "10.202.0.1", ports: [{ name: "https", port: 443 }] }),
];
function resolve(container: Partial<Container>, spec: object = { enableServiceLinks: false }): Record<string, string> {
  const sources = new Desired(setOf(1, ...objects));
  const pod = desiredPod(
    podObject("web", { ...spec, containers: [{ name: "main", ...container } as Container] }, { labels: { app: "web" } }),
  );
  const all = resolveEnv(pod, pod.spec.containers[0]!, { sources, services: sources.services, place });
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith("KUBERNETES_")));
}
const from = (valueFrom: object) => ({ env: [{ name: "A", valueFrom }] });

test("values refer to those before them: $(NAME), $$ and what is not there stays", () => {
  const env = [{ name: "A", value: "1" }, { name: "B", value: "$(A)-$$(A)-$(C)" }, { name: "C", value: "3" }];
  assert.equal(resolve({ env }), { A: "1", B: "1-$(A)-$(C)", C: "3" });
  assert.is(expand("a$b $(x", {}), "a$b $(x");
  assert.is(expand("$(toString)", {}), "$(toString)");
});

test("ConfigMaps and Secrets, whole or by key; env wins over envFrom", () => {
  assert.equal(resolve({ envFrom: [{ prefix: "P_", configMapRef: { name: "settings" } }, { secretRef: { name: "keys" } }] }), {
    P_mode: "dark",
    "P_a.b": "1",
    token: "s3cret",
  });
  assert.equal(resolve({ envFrom: [{ configMapRef: { name: "settings" } }], env: [{ name: "mode", value: "x" }] }), {
    mode: "x",
    "a.b": "1",
  });
  assert.equal(resolve(from({ secretKeyRef: { name: "keys", key: "token" } })), { A: "s3cret" });
});

test("what is missing is an error in Kubernetes' words, unless it is optional", () => {
  const message = (container: Partial<Container>): string => {
    try {
      return JSON.stringify(resolve(container));
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.is(message(from({ configMapKeyRef: { name: "no", key: "k" } })), 'configmap "no" not found');
  assert.is(message(from({ secretKeyRef: { name: "no", key: "k" } })), 'secret "no" not found');
  assert.is(message(from({ configMapKeyRef: { name: "settings", key: "k" } })), "couldn't find key k in ConfigMap default/settings");
  assert.is(message({ envFrom: [{ secretRef: { name: "no" } }] }), 'secret "no" not found');
  assert.is(message(from({ configMapKeyRef: { name: "no", key: "k", optional: true } })), "{}");
  assert.is(message(from({ configMapKeyRef: { name: "settings", key: "k", optional: true } })), "{}");
  assert.is(message({ envFrom: [{ configMapRef: { name: "no", optional: true } }] }), "{}");
  assert.match(message(from({ fieldRef: { fieldPath: "spec.nonsense" } })), "unsupported fieldPath");
});

test("fields of the pod and resources of the container", () => {
  const field = (fieldPath: string) => resolve(from({ fieldRef: { fieldPath } })).A;
  assert.equal(
    [
      "metadata.name",
      "metadata.namespace",
      "metadata.uid",
      "metadata.labels['app']",
      "metadata.labels['no']",
      "spec.nodeName",
      "status.podIP",
      "status.hostIP",
    ]
      .map(field),
    ["web", "default", "uid-web", "web", "", "n1", "10.0.0.2", "192.0.2.1"],
  );
  const resources = { limits: { cpu: "1500m", memory: "64Mi" }, requests: { cpu: "250m" } };
  const amount = (resource: string, divisor?: string) =>
    resolve({ resources, ...from({ resourceFieldRef: { resource, ...(divisor && { divisor }) } }) }).A;
  assert.equal([amount("limits.cpu"), amount("limits.cpu", "1m"), amount("limits.memory", "1Ki"), amount("requests.cpu", "1m")], [
    "2",
    "1500",
    "65536",
    "250",
  ]);
  assert.is(resolve(from({ resourceFieldRef: { resource: "limits.memory" } })).A, String(1024 ** 3), "without a limit: the node's");
});

test("services of the namespace are named as Docker's links once were, and the API's to every pod", () => {
  const { services } = new Desired(setOf(1, ...objects));
  const env = serviceEnv(services, "default", true);
  assert.is(env.WEB_API_SERVICE_HOST, "10.202.0.7");
  assert.is(env.WEB_API_SERVICE_PORT, "80");
  assert.is(env.WEB_API_SERVICE_PORT_DNS_UDP, "53");
  assert.is(env.WEB_API_PORT, "tcp://10.202.0.7:80");
  assert.is(env.WEB_API_PORT_53_UDP, "udp://10.202.0.7:53");
  assert.is(env.WEB_API_PORT_53_UDP_PROTO, "udp");
  assert.equal(Object.keys(env).filter((name) => /^(HEADLESS|ELSEWHERE)/.test(name)), []);
  assert.equal(Object.keys(serviceEnv(services, "other", false)).filter((name) => !name.startsWith("KUBERNETES_")), []);
  assert.is(serviceEnv(services, "other", false).KUBERNETES_SERVICE_PORT_HTTPS, "443");
});
