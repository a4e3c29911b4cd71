import * as assert from "uvu/assert";
import { pods } from "../../../../shared/api/kinds/pod.ts";
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

test("create() waits a moment for the account that a new namespace gets", async ({ registry }) => {
  await registry.create(namespaces, { metadata: { name: "fresh" } });
  const made = registry.create(pods, { ...pod(), metadata: { name: "early", namespace: "fresh" } } as never);
  await registry.create(serviceAccounts, { metadata: { name: "default", namespace: "fresh" } });
  assert.is((await made).name, "early");
});
