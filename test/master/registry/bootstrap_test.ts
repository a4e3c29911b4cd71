import * as assert from "uvu/assert";
import { namespaces } from "../../../shared/api/kinds/namespace.ts";
import { silentLog } from "../../../shared/util/log.ts";
import { prepareCluster } from "../../../master/registry/bootstrap.ts";
import { closeRegistry, openRegistry, type RegistryContext } from "../../kit/registry.ts";
import { suite } from "../../kit/suite.ts";

const test = suite<RegistryContext>("registry bootstrap", { setup: openRegistry, teardown: closeRegistry, timeoutMs: 20_000 });

test("prepareCluster() makes the namespaces that are missing, also when two masters do it at once, and then nothing more", async ({ registry, store }) => {
  const prepare = () => prepareCluster({ registry, store, log: silentLog });
  await Promise.all([prepare(), prepare()]);
  const { items, revision } = await registry.list(namespaces);
  assert.equal(items.map((item) => item.name), ["default", "kube-node-lease", "kube-public", "kube-system"]);
  await prepare();
  assert.is(registry.revision(), revision);
});
