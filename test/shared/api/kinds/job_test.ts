import * as assert from "uvu/assert";
import { cronJobs } from "../../../../shared/api/kinds/cronjob.ts";
import { type Job, jobs } from "../../../../shared/api/kinds/job.ts";
import { admit, cells } from "../../../kit/admit.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("jobs");
const pod = { restartPolicy: "Never", containers: [{ name: "a", image: "a:1" }] };
const job = (spec: object = {}, of: object = pod): object => ({
  metadata: { name: "j", uid: "u" },
  spec: { template: { spec: of }, ...spec },
});
/** As the registry makes one: types and defaults, then its first state, then the rules. */
function born(input: object): { object: Job; causes: readonly string[] } {
  const { object, causes } = admit({ ...jobs, validate: () => [] }, input);
  if (causes.length > 0) return { object, causes };
  jobs.born!(object);
  return { object, causes: jobs.validate!(object).map(({ field, message }) => `${field}: ${message}`) };
}
const labels = { "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "job-name": "j", "batch.kubernetes.io/job-name": "j" };
const never = 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"';

test("get their defaults, and a selector of their own", () => {
  const { object, causes } = born(job());
  assert.equal(causes, []);
  const { template, ...spec } = object.spec!;
  assert.equal(spec, {
    parallelism: 1,
    completions: 1,
    selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u" } },
    manualSelector: false,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
  });
  assert.equal(template.metadata?.labels, labels);
});
test("have as many completions as the writer says, or none beside a parallelism", () => {
  assert.is(born(job({ parallelism: 3 })).object.spec!.completions, undefined);
  assert.equal(born(job({ completions: 3 })).object.spec!.parallelism, 1);
  const each = born(job({ completionMode: "Indexed", completions: 3, backoffLimitPerIndex: 1 }));
  assert.equal([each.causes, each.object.spec!.backoffLimit], [[], 2 ** 31 - 1]);
});
test("without labels have those by which their pods are found: the next write would add them", () => {
  const { object } = born(job());
  assert.equal(object.metadata!.labels, labels);
  assert.equal(admit(jobs, object, structuredClone(object)), { object, causes: [] });
});
test("take over the labels of their template", () => {
  const spec = { template: { metadata: { labels: { a: "b" } }, spec: pod } };
  const { object } = born({ metadata: { name: "j", uid: "u" }, spec });
  assert.equal([object.metadata!.labels, object.spec!.template.metadata!.labels], [{ a: "b" }, { ...labels, a: "b" }]);
});

const indexed = { completionMode: "Indexed", completions: 5 };
const rule = (onExitCodes: object, more: object = {}) =>
  job({ podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes, ...more }] } });
const at = "spec.podFailurePolicy.rules[0]";
const wrong: readonly [input: object, ...causes: string[]][] = [
  [job({}, { ...pod, restartPolicy: "Always" }), never],
  [job({}, { containers: pod.containers }), never],
  [job({ parallelism: -1 }), "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
  [
    job({ selector: { matchLabels: { a: "b" } } }),
    'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u","a":"b"}}: `selector` not auto-generated',
    `spec.template.metadata.labels: Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
  ],
  [
    job({ completionMode: "Indexed", completions: undefined, parallelism: 1 }),
    "spec.completions: Required value: when completion mode is Indexed",
  ],
  [job({ backoffLimitPerIndex: 1 }), "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
  [
    job({ ...indexed, maxFailedIndexes: 6 }),
    "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
    "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
  ],
  [
    job({ ...indexed, successPolicy: { rules: [{}] } }),
    "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified",
  ],
  [
    job({ ...indexed, successPolicy: { rules: [{ succeededIndexes: "0,2-5" }] } }),
    'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,2-5": error parsing succeededIndexes: too large index: "5"',
  ],
  [
    job({ ...indexed, successPolicy: { rules: [{ succeededIndexes: "0,2-3", succeededCount: 4 }] } }),
    "spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of indexes in the specified succeededIndexes field)",
  ],
  [rule({ operator: "In", values: [] }), `${at}.onExitCodes.values: Invalid value: []: at least one value is required`],
  [
    rule({ operator: "In", values: [2, 0, 2], containerName: "b" }),
    `${at}.onExitCodes.containerName: Invalid value: "b": must be one of the container or initContainer names in the pod template`,
    `${at}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`,
    `${at}.onExitCodes.values[2]: Duplicate value: 2`,
    `${at}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered`,
  ],
  [
    rule({ operator: "In", values: [1] }, { onPodConditions: [{ type: "DisruptionTarget" }] }),
    `${at}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported`,
  ],
  [
    job({ podReplacementPolicy: "TerminatingOrFailed", podFailurePolicy: { rules: [] } }),
    'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
  ],
  [job({ managedBy: "me" }), 'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
];
for (const [input, ...causes] of wrong) test(`may not be so: ${causes[0]}`, () => assert.equal(born(input).causes, causes));

test("keep what decides about the pods that run", () => {
  const { object: old } = born(job());
  const changed = (spec: object) => admit(jobs, { ...old, spec: { ...old.spec, ...spec } }, old).causes;
  assert.equal(changed({ parallelism: 4, backoffLimit: 1, suspend: true, activeDeadlineSeconds: 9 }), []);
  assert.equal(changed({ completions: 2 }), ["spec.completions: Invalid value: 2: field is immutable"]);
  const template = { ...old.spec!.template, spec: { ...old.spec!.template.spec, nodeSelector: { a: "b" } } };
  assert.equal(changed({ template }).map((cause) => cause.split(":", 1)[0]), ["spec.template"]);
  const waiting = born(job({ suspend: true })).object;
  assert.equal(admit(jobs, { ...waiting, spec: { ...waiting.spec, template } }, waiting).causes, []);
  const elastic = born(job({ ...indexed, parallelism: 5 })).object;
  const grown = (spec: object) => admit(jobs, { ...elastic, spec: { ...elastic.spec, ...spec } }, elastic).causes;
  assert.equal(grown({ completions: 6, parallelism: 6 }), []);
  assert.equal(grown({ completions: 6 }), ["spec.completions: Invalid value: 6: can only be modified in tandem with spec.parallelism"]);
});
test("show how far they are", () => {
  const status = { startTime: "1970-01-01T00:00:00Z", succeeded: 2 };
  const row = ({ spec, status: now }: { spec?: object; status?: object }) => {
    const { Status, Completions, Duration } = cells(jobs, { ...job(spec), status: { ...status, ...now } }, 90_000);
    return [Status, Completions, Duration];
  };
  assert.equal(row({ spec: { completions: 3 } }), ["Running", "2/3", "90s"]);
  assert.equal(row({ spec: { parallelism: 4 } }), ["Running", "2/1 of 4", "90s"]);
  const conditions = [{ type: "Complete", status: "True" }];
  assert.equal(row({ spec: { completions: 2 }, status: { completionTime: "1970-01-01T00:00:05Z", conditions } }), [
    "Complete",
    "2/2",
    "5s",
  ]);
});

const cron = (spec: object = {}, name = "c"): object => ({
  metadata: { name },
  spec: { schedule: "@daily", jobTemplate: { spec: { template: { spec: pod } } }, ...spec },
});
test("cron jobs get their defaults, and leave to the job what is the job's", () => {
  const { object, causes } = admit(cronJobs, cron());
  assert.equal(causes, []);
  const { jobTemplate, ...spec } = object.spec;
  assert.equal(spec, {
    schedule: "@daily",
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  assert.equal(Object.keys(jobTemplate.spec!), ["template"]);
});
const wrongCron: readonly [input: object, ...causes: string[]][] = [
  [cron({ schedule: "hello" }), 'spec.schedule: Invalid value: "hello": expected exactly 5 fields, found 1: [hello]'],
  [cron({ schedule: "" }), "spec.schedule: Required value"],
  [cron({ schedule: "0,".repeat(600) }), "spec.schedule: Too long: may not be more than 1024 bytes"],
  [
    cron({ schedule: "TZ=UTC 0 0 * * *" }),
    'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
  ],
  [cron({ timeZone: "Sea/Skerry" }), 'spec.timeZone: Invalid value: "Sea/Skerry": unknown time zone Sea/Skerry'],
  [cron({ concurrencyPolicy: "No" }), 'spec.concurrencyPolicy: Unsupported value: "No": supported values: "Allow", "Forbid", "Replace"'],
  [
    cron({ jobTemplate: { spec: { template: { spec: { ...pod, restartPolicy: "Always" } } } } }),
    'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ],
  [cron({}, "c".repeat(53)), `metadata.name: Invalid value: "${"c".repeat(53)}": must be no more than 52 characters`],
];
for (const [input, ...causes] of wrongCron) {
  test(`cron jobs may not be so: ${causes[0]}`, () => assert.equal(admit(cronJobs, input).causes, causes));
}
test("cron jobs know their time zones, and show when they last ran", () => {
  assert.equal(admit(cronJobs, cron({ timeZone: "Europe/Oslo" })).causes, []);
  const { Timezone, Suspend, Active, Images, "Last Schedule": last } = cells(cronJobs, {
    ...cron({ suspend: true }),
    status: { lastScheduleTime: "1970-01-01T00:00:00Z", active: [{ name: "a" }] },
  }, 60_000);
  assert.equal([Timezone, Suspend, Active, Images, last], ["<none>", "True", 1, "a:1", "60s"]);
});
