import * as assert from "uvu/assert";
import { pods } from "../../../../shared/api/kinds/pod.ts";
import type { PodSpec } from "../../../../shared/api/kinds/pod/pod_spec.ts";
import { serviceAccounts } from "../../../../shared/api/kinds/service_account.ts";
import { namespaces } from "../../../../shared/api/kinds/namespace.ts";
import { admitted, pod, refusal } from "../../../kit/admission.ts";
import { closeRegistry, openRegistry } from "../../../kit/registry.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("a pod's ServiceAccount", { setup: () => openRegistry(), teardown: closeRegistry, timeoutMs: 20_000 });

test("a pod runs as `default` unless it says otherwise, under both names of the field", async () => {
  const { serviceAccountName, serviceAccount } = (await admitted(pods, pod())).spec!;
  assert.equal([serviceAccountName, serviceAccount], ["default", "default"]);
});

test("nobody can be who is not there", async () => {
  const { code, message } = await refusal(pods, pod({ serviceAccountName: "captain" }));
  assert.equal([code, message], [
    403,
    'pods "web" is forbidden: error looking up service account default/captain: serviceaccount "captain" not found',
  ]);
});

test("a pod that names no pull secrets gets those of its account", async () => {
  const account = { metadata: { name: "default" }, imagePullSecrets: [{ name: "a" }, { name: "b" }] };
  const world = { serviceAccount: () => Promise.resolve(account) };
  assert.equal((await admitted(pods, pod(), { world })).spec!.imagePullSecrets, [{ name: "a" }, { name: "b" }]);
  assert.equal((await admitted(pods, pod({ imagePullSecrets: [{ name: "own" }] }), { world })).spec!.imagePullSecrets, [{ name: "own" }]);
});

const path = "/var/run/secrets/kubernetes.io/serviceaccount";
const specOf = async (spec: object, account: object = {}): Promise<PodSpec> => {
  const world = { serviceAccount: () => Promise.resolve({ metadata: { name: "default" }, ...account }) };
  const metadata = { name: "web", namespace: "default", uid: "0f5fd3a8-1c2b-4e6a-8d3f-4c3b2a190807" };
  return (await admitted(pods, pod(spec, { metadata }), { world })).spec as unknown as PodSpec;
};
const mounted = async (spec: object, account?: object) => (await specOf(spec, account)).volumes?.length ?? 0;

test("every container finds token, authority and namespace where clients look", async () => {
  const spec = await specOf({ initContainers: [{ name: "first", image: "i" }], volumes: [{ name: "own", emptyDir: {} }] });
  const [own, { name, projected } = { name: "", projected: undefined }, ...more] = spec.volumes!;
  assert.equal([own!.name, more.length], ["own", 0]);
  assert.match(name, /^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  for (const { volumeMounts } of [...spec.containers, ...spec.initContainers!]) {
    assert.equal(volumeMounts, [{ name, readOnly: true, mountPath: path }]);
  }
  assert.equal(projected, {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
    ],
  });
});

test("the pod decides whether a token is mounted, and its account if the pod does not", async () => {
  const no = { automountServiceAccountToken: false }, yes = { automountServiceAccountToken: true };
  assert.equal([await mounted({}), await mounted({}, no), await mounted({}, yes)], [1, 0, 1]);
  assert.equal([await mounted(no), await mounted(no, yes), await mounted(yes, no)], [0, 0, 1]);
});

test("what a container has at that place stays, and a volume of that sort is used again", async () => {
  const own = { name: "own", mountPath: path }, volume = { name: "own", emptyDir: {} };
  const kept = await specOf({ volumes: [volume], containers: [{ name: "c", image: "i", volumeMounts: [own] }] });
  assert.equal([kept.volumes?.length, kept.containers[0]!.volumeMounts?.length], [1, 1]);
  const again = await specOf(await specOf({}));
  assert.equal([again.volumes?.length, again.containers[0]!.volumeMounts?.length], [1, 1]);
  const copied = await specOf({ volumes: [{ name: "kube-api-access-vwxyz", emptyDir: {} }] });
  assert.equal(copied.containers[0]!.volumeMounts?.map(({ name }) => name), ["kube-api-access-vwxyz"]);
  assert.is(copied.volumes?.length, 1);
});

test("create() waits a moment for the account that a new namespace gets", async ({ registry }) => {
  await registry.create(namespaces, { metadata: { name: "fresh" } });
  const made = registry.create(pods, { ...pod(), metadata: { name: "early", namespace: "fresh" } } as never);
  await registry.create(serviceAccounts, { metadata: { name: "default", namespace: "fresh" } });
  assert.is((await made).name, "early");
});
