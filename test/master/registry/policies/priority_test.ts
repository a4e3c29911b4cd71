import * as assert from "uvu/assert";
import { type PriorityClass, priorityClasses } from "../../../../shared/api/kinds/priority_class.ts";
import { prepareCluster } from "../../../../master/registry/bootstrap.ts";
import { admitDelete } from "../../../../master/registry/admission.ts";
import { silentLog } from "../../../../shared/util/log.ts";
import { admitted, emptyWorld, refusal } from "../../../kit/admission.ts";
import { closeRegistry, openRegistry } from "../../../kit/registry.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("priority classes", { setup: () => openRegistry(), teardown: closeRegistry, timeoutMs: 20_000 });

const usual = (name: string): PriorityClass => ({ metadata: { name }, value: 1, globalDefault: true });

test("only one of them is the default", async () => {
  const world = { priorityClasses: () => Promise.resolve([usual("first")]) };
  const { code, message } = await refusal(priorityClasses, usual("second"), { world });
  assert.equal([code, message], [
    403,
    'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already marked as default. Only one default can exist',
  ]);
  await admitted(priorityClasses, { ...usual("second"), globalDefault: false }, { world });
  const old = await admitted(priorityClasses, usual("first"));
  await admitted(priorityClasses, { ...old, description: "the same one" }, { world }, old);
});

test("a cluster has the system's own, which stay", async ({ registry, store }) => {
  await prepareCluster({ registry, store, log: silentLog });
  await prepareCluster({ registry, store, log: silentLog }); // the next start
  const { items } = await registry.list(priorityClasses);
  assert.equal(items.map(({ object: { metadata, value } }) => [metadata!.name, value]), [
    ["system-cluster-critical", 2_000_000_000],
    ["system-node-critical", 2_000_001_000],
  ]);
  const error = await admitDelete(priorityClasses as never, items[0]!.object as never, { world: emptyWorld });
  assert.is(
    error?.message,
    'priorityclasses.scheduling.k8s.io "system-cluster-critical" is forbidden: this is a system priority class and cannot be deleted',
  );
});
