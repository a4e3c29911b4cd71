import * as assert from "uvu/assert";
import type { LimitRange, LimitRangeItem } from "../../../../shared/api/kinds/limit_range.ts";
import { limitRanges } from "../../../../shared/api/kinds/limit_range.ts";
import { persistentVolumeClaims } from "../../../../shared/api/kinds/persistent_volume_claim.ts";
import { pods } from "../../../../shared/api/kinds/pod.ts";
import { admitted, pod, refusal } from "../../../kit/admission.ts";
import { admit } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("limit ranges");

/** As it is stored, so with the defaults of the kind. */
const ranges = (...limits: LimitRangeItem[]) => {
  const { object, causes } = admit(limitRanges, { metadata: { name: "r", namespace: "default" }, spec: { limits } });
  assert.equal(causes, []);
  return { world: { limitRanges: () => Promise.resolve([object as LimitRange]) } };
};
const container = (resources: object, more: object = {}) => ({ name: "c", image: "i", resources, ...more });
const of = (resources: object) => pod({ containers: [container(resources)] });

test("containers get the limits and requests of their namespace where they have none of their own", async () => {
  const given = ranges({ type: "Container", default: { cpu: "500m", memory: "64Mi" }, defaultRequest: { cpu: "100m" } });
  const { spec, metadata, status } = await admitted(
    pods,
    pod({ containers: [container({ limits: { cpu: "1" } })], initContainers: [{ name: "first", image: "i" }] }),
    given,
  );
  const [own] = spec!.containers as { resources: object }[], [first] = spec!.initContainers as { resources: object }[];
  assert.equal(own!.resources, { limits: { cpu: "1", memory: "64Mi" }, requests: { cpu: "1", memory: "64Mi" } });
  assert.equal(first!.resources, { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "100m", memory: "64Mi" } });
  assert.equal(
    metadata.annotations!["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: memory request for container c; memory limit for container c; " +
      "cpu, memory request for init container first; cpu, memory limit for init container first",
  );
  assert.is(status!.qosClass, "Burstable", "the promise follows from what it was given");
});

test("what is below the least, above the most, or beyond the ratio is refused, all at once", async () => {
  const given = ranges({
    type: "Container",
    min: { cpu: "100m", memory: "16Mi" },
    max: { memory: "1Gi" },
    maxLimitRequestRatio: { cpu: "2" },
  });
  const { code, message } = await refusal(
    pods,
    of({ requests: { cpu: "50m", memory: "32Mi" }, limits: { cpu: "250m", memory: "2Gi" } }),
    given,
  );
  assert.equal([code, message], [
    403,
    'pods "web" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, ' +
    "maximum memory usage per Container is 1Gi, but limit is 2Gi, cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000]",
  ]);
  await admitted(pods, of({ requests: { cpu: "100m", memory: "32Mi" }, limits: { cpu: "200m", memory: "1Gi" } }), given);
});

test("a pod is measured by what all of it takes, its start included", async () => {
  const given = ranges({ type: "Pod", max: { cpu: "1" } });
  const two = (cpu: string, first: string) =>
    pod({
      containers: ["a", "b"].map((name) => container({ limits: { cpu } }, { name })),
      initContainers: [container({ limits: { cpu: first } }, { name: "first" })],
    });
  await admitted(pods, two("500m", "1"), given);
  assert.is(
    (await refusal(pods, two("600m", "1"), given)).message,
    'pods "web" is forbidden: maximum cpu usage per Pod is 1, but limit is 1200m',
  );
  assert.match((await refusal(pods, two("500m", "2"), given)).message, /but limit is 2$/);
  assert.match((await refusal(pods, pod(), given)).message, /maximum cpu usage per Pod is 1\. {2}No limit is specified$/);
});

test("a claim is measured by its request", async () => {
  const given = ranges({ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } });
  const claim = (storage: string) => ({
    metadata: { name: "disk", namespace: "default" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
  });
  await admitted(persistentVolumeClaims, claim("2Gi"), given);
  const { message } = await refusal(persistentVolumeClaims, claim("3Gi"), given);
  assert.is(
    message,
    'persistentvolumeclaims "disk" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
  assert.match(
    (await refusal(persistentVolumeClaims, claim("1Mi"), given)).message,
    /minimum storage usage .* is 1Gi, but request is 1Mi$/,
  );
});

test("a pod that is there is not measured again", async () => {
  const old = await admitted(pods, of({ requests: { cpu: "50m" } }));
  await admitted(
    pods,
    { ...old, metadata: { ...old.metadata, labels: { a: "b" } } },
    ranges({ type: "Container", min: { cpu: "100m" } }),
    old,
  );
});
