import * as assert from "uvu/assert";
import { clusterRoles } from "../../../shared/api/kinds/role.ts";
import { clusterRoleBindings } from "../../../shared/api/kinds/role_binding.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { prepareRoles } from "../../../master/rbac/bootstrap.ts";
import { autoupdate, defaultBindings, defaultRoles } from "../../../master/rbac/defaults.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<RegistryContext>("prepareRoles()", { setup: () => openRegistry(), teardown: closeRegistry });
const prepare = ({ registry }: RegistryContext) => prepareRoles({ registry, log: silentLog });
const names = (all: readonly { metadata?: { name?: string } }[]) => all.map(({ metadata }) => metadata!.name).sort();

test("prepareRoles() makes what is missing, and the second time nothing", async (context) => {
  await prepare(context);
  const { registry } = context, revision = registry.revision();
  assert.equal(names((await registry.list(clusterRoles)).items.map(({ object }) => object)), names(defaultRoles));
  assert.equal(names((await registry.list(clusterRoleBindings)).items.map(({ object }) => object)), names(defaultBindings));
  await Promise.all([prepare(context), prepare(context)]);
  assert.is(registry.revision(), revision);
});

test("prepareRoles() brings back what somebody took, keeps what somebody added, and leaves alone what says so", async (context) => {
  await prepare(context);
  const { registry } = context, extra = { verbs: ["get"], nonResourceURLs: ["/extra"] };
  await registry.modify(clusterRoles, { name: "system:discovery" }, (role) => void (role.rules = [extra]));
  await registry.modify(clusterRoles, { name: "system:monitoring" }, (role) => {
    role.rules = [extra];
    role.metadata!.annotations![autoupdate] = "false";
  });
  await registry.modify(
    clusterRoles,
    { name: "view" },
    (role) => void (role.aggregationRule!.clusterRoleSelectors = [{ matchLabels: { a: "b" } }]),
  );
  await registry.modify(
    clusterRoleBindings,
    { name: "system:discovery" },
    (binding) => void (binding.subjects = [{ kind: "User", name: "u" }]),
  );
  await registry.delete(clusterRoles, { name: "edit" });
  await prepare(context);
  const role = async (name: string) => (await registry.get(clusterRoles, { name })).object;
  const wanted = defaultRoles.find(({ metadata }) => metadata!.name === "system:discovery")!;
  assert.equal((await role("system:discovery")).rules, [extra, ...wanted.rules!]);
  assert.equal((await role("system:monitoring")).rules, [extra]);
  assert.equal((await role("view")).aggregationRule!.clusterRoleSelectors!.length, 2);
  assert.ok((await role("edit")).aggregationRule);
  const { subjects } = (await registry.get(clusterRoleBindings, { name: "system:discovery" })).object;
  assert.equal(subjects!.map(({ name }) => name), ["u", "system:authenticated"]);
});
