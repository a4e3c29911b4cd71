// What of a pod may change.
import * as assert from "uvu/assert";
import { pods } from "../../../../../shared/api/kinds/pod.ts";
import { admit } from "../../../../kit/admit.ts";
import { suite } from "../../../../kit/suite.ts";
import { container, metadata, pod, web } from "./kit.ts";

const test = suite("pods: updates");

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
