import * as assert from "uvu/assert";
import { cronJobs } from "../../../../shared/api/kinds/cronjob.ts";
import { deployments } from "../../../../shared/api/kinds/deployment.ts";
import { namespaces } from "../../../../shared/api/kinds/namespace.ts";
import { pods } from "../../../../shared/api/kinds/pod.ts";
import { levelOf, violations } from "../../../../master/registry/policies/pod_security/levels.ts";
import { admitted, type Given, pod, refusal } from "../../../kit/admission.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("pod security");
const prefix = "pod-security.kubernetes.io/";
const said = (level: "baseline" | "restricted", spec: object, version: "latest" | number = "latest", annotations = {}) =>
  violations({ level, version }, { annotations }, { containers: [], ...spec } as never).map(({ reason, detail }) =>
    `${reason} (${detail})`
  );
const c = (securityContext: object, more: object = {}) => ({ containers: [{ name: "c", image: "i", securityContext, ...more }] });
const two = (securityContext: object) => ({ containers: ["a", "b"].map((name) => ({ name, securityContext })) });
/** What restricted asks for. */
const good = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

test("baseline: each check says what is wrong in upstream's words", () => {
  const cases: [spec: object, ...words: string[]][] = [
    [c({})],
    [c({ privileged: true }), 'privileged (container "c" must not set securityContext.privileged=true)'],
    [two({ privileged: true }), 'privileged (containers "a", "b" must not set securityContext.privileged=true)'],
    [{ hostNetwork: true, hostIPC: true }, "host namespaces (hostNetwork=true, hostIPC=true)"],
    [{ volumes: [{ name: "v", hostPath: { path: "/" } }] }, 'hostPath volumes (volume "v")'],
    [
      c({}, { ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 443 }] }),
      'hostPort (container "c" uses hostPorts 443, 80)',
    ],
    [
      c({ capabilities: { add: ["CHOWN", "SYS_TIME", "NET_RAW"] } }),
      'non-default capabilities (container "c" must not include "NET_RAW", "SYS_TIME" in securityContext.capabilities.add)',
    ],
    [c({ procMount: "Unmasked" }), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    [
      { ...c({ seLinuxOptions: { type: "spc_t", user: "u" } }), securityContext: { seLinuxOptions: { role: "r" } } },
      'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      { securityContext: { seccompProfile: { type: "Unconfined" } } },
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      { securityContext: { sysctls: [{ name: "kernel.msgmax" }, { name: "net.ipv4.tcp_syncookies" }] } },
      "forbidden sysctls (kernel.msgmax)",
    ],
    [
      c({ windowsOptions: { hostProcess: true } }),
      'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [
      c({ appArmorProfile: { type: "Unconfined" } }),
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      c({}, { livenessProbe: { httpGet: { host: "10.0.0.1" } } }),
      'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ],
  ];
  for (const [spec, ...words] of cases) assert.equal(said("baseline", spec), words);
});

test("restricted: what a container does not say counts against it", () => {
  assert.equal(said("restricted", c({})), [
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ]);
  assert.equal(said("restricted", c(good)), []);
  const ofPod = { securityContext: { runAsNonRoot: true, seccompProfile: { type: "Localhost" } } };
  assert.equal(said("restricted", { ...c({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } }), ...ofPod }), []);
  assert.equal(said("restricted", c({ ...good, runAsUser: 0, runAsNonRoot: false, capabilities: { drop: ["ALL"], add: ["CHOWN"] } })), [
    'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
    'runAsUser=0 (container "c" must not set runAsUser=0)',
  ]);
  assert.equal(
    said("restricted", {
      ...c(good),
      volumes: [{ name: "v", hostPath: { path: "/" } }, { name: "w", nfs: {} }, { name: "x", emptyDir: {} }],
    }),
    [
      'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ],
  );
});

test("a version has the rules of its time", () => {
  assert.equal(said("restricted", c({ ...good, runAsUser: 0 }), 22), []);
  assert.equal(said("baseline", { securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem" }] } }, 31), [
    "forbidden sysctls (net.ipv4.tcp_rmem)",
  ]);
  assert.equal(said("baseline", { securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem" }] } }, 32), []);
  assert.equal(levelOf({ [`${prefix}enforce`]: "baseline", [`${prefix}enforce-version`]: "v1.30" }, "enforce"), {
    level: "baseline",
    version: 30,
  });
  assert.equal(levelOf({ [`${prefix}enforce`]: "baslline" }, "enforce").level, "restricted", "what cannot be read asks for the most");
});

const inNamespace = (labels: Record<string, string>): Given & { said: string[] } => {
  const said: string[] = [], all = Object.fromEntries(Object.entries(labels).map(([name, value]) => [prefix + name, value]));
  return { said, warn: (words) => said.push(words), world: { namespaceLabels: () => Promise.resolve(all) } };
};
const privileged = { containers: [{ name: "c", image: "i", securityContext: { privileged: true } }] };
const words = 'PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)';

test("a pod is refused where its namespace enforces, warned where it warns, and else let in", async () => {
  const { code, message } = await refusal(pods, pod(privileged), inNamespace({ enforce: "baseline", warn: "restricted" }));
  assert.equal([code, message], [403, `pods "web" is forbidden: violates ${words}`]);
  const warning = inNamespace({ warn: "baseline" });
  await admitted(pods, pod(privileged), warning);
  assert.equal(warning.said, [`would violate ${words}`]);
  await admitted(pods, pod(privileged), inNamespace({ audit: "restricted" }));
});

test("what would make such pods is warned of, and never refused", async () => {
  const template = { metadata: { labels: { app: "web" } }, spec: privileged };
  const deployment = { metadata: { name: "web", namespace: "default" }, spec: { selector: { matchLabels: { app: "web" } }, template } };
  const both = inNamespace({ enforce: "baseline", warn: "baseline" });
  await admitted(deployments, deployment, both);
  const jobTemplate = { spec: { template: { spec: { ...privileged, restartPolicy: "Never" } } } };
  await admitted(cronJobs, { metadata: { name: "c", namespace: "default" }, spec: { schedule: "* * * * *", jobTemplate } }, both);
  assert.equal(both.said, [`would violate ${words}`, `would violate ${words}`]);
});

test("a pod that is there is looked at again when it gets another image, or another container", async () => {
  const old = await admitted(pods, pod(privileged)), strict = inNamespace({ enforce: "baseline" });
  await admitted(pods, { ...old, metadata: { ...old.metadata, labels: { a: "b" } } }, strict, old);
  const [container] = old.spec!.containers as object[];
  assert.is((await refusal(pods, { ...old, spec: { ...old.spec, containers: [{ ...container, image: "j" }] } }, strict, old)).code, 403);
});

test("a namespace that asks for more is told whose pods fall short; labels that nobody can read are refused", async () => {
  const namespace = (labels: object) => ({ metadata: { name: "sea", labels } });
  const { message, code } = await refusal(namespaces, namespace({ [`${prefix}enforce`]: "base", [`${prefix}warn-version`]: "1.2" }));
  assert.equal([code, message], [
    422,
    `Namespace "sea" is invalid: [metadata.labels[${prefix}enforce]: Invalid value: "base": must be one of privileged, baseline, restricted, ` +
    `metadata.labels[${prefix}warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]`,
  ]);
  const said: string[] = [], named = (name: string) => ({ metadata: { name }, spec: privileged as never });
  const world = {
    pods: () => Promise.resolve([named("b"), named("a"), named("c"), { metadata: { name: "d" }, spec: { containers: [] } as never }]),
  };
  const old = await admitted(namespaces, namespace({}));
  await admitted(namespaces, namespace({ [`${prefix}enforce`]: "baseline" }), { warn: (words) => said.push(words), world }, old);
  assert.equal(said, [
    'existing pods in namespace "sea" violate the new PodSecurity enforce level "baseline:latest"',
    "a (and 2 other pods): privileged",
  ]);
});
