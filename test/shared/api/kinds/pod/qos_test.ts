import * as assert from "uvu/assert";
import { pods } from "../../../../../shared/api/kinds/pod.ts";
import { qosClass } from "../../../../../shared/api/kinds/pod/qos.ts";
import { admit } from "../../../../kit/admit.ts";
import { suite } from "../../../../kit/suite.ts";
import { container, pod, specOf } from "./kit.ts";

const test = suite("pods: class");

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
test("are born Pending with their class", () => {
  const { object } = admit(pods, container({ resources: { limits } }));
  pods.born!(object);
  assert.equal(object.status, { phase: "Pending", qosClass: "Guaranteed" });
});
