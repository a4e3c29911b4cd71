// A Job, again and again, on a schedule.
import { age, ageOf } from "../age.ts";
import { parseCron } from "../cron.ts";
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { ObjectReference } from "../reference.ts";
import { invalid, missing, resource, tooLong, unsupported } from "../resource.ts";
import { time } from "../scalars.ts";
import { atomic, bool, field, int32, int64, kind, list, message, oneOf, optional, required, string } from "../schema.ts";
import { scheduleCharacters } from "../../limits.ts";
import { JobSpec } from "./job.ts";
import { validateJobSpec } from "./job_rules.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { notNegative, specUnchanged, wideColumns } from "./workload.ts";

const batch = "k8s.io.api.batch.v1";

export class JobTemplateSpec extends message(`${batch}.JobTemplateSpec`, "What the jobs look like.", {
  metadata: field(1, ObjectMeta, "Labels and annotations of the jobs."),
  spec: field(2, JobSpec, "What is wanted of the jobs."),
}) {}
export class CronJobSpec extends message(`${batch}.CronJobSpec`, "What is wanted of a cron job.", {
  schedule: required(1, string, "When a job begins: minute, hour, day of the month, month, day of the week; or @daily and the like."),
  startingDeadlineSeconds: optional(2, int64, "Seconds by which a job may begin late; later, it is left out."),
  concurrencyPolicy: field(3, oneOf("Allow", "Forbid", "Replace"), "What happens when the job before still runs.", { default: "Allow" }),
  suspend: optional(4, bool, "Do no more jobs begin?", { default: false }),
  jobTemplate: required(5, JobTemplateSpec, "What the jobs look like."),
  successfulJobsHistoryLimit: optional(6, int32, "How many jobs that have succeeded are kept.", { default: 3 }),
  failedJobsHistoryLimit: optional(7, int32, "How many jobs that have failed are kept.", { default: 1 }),
  timeZone: optional(8, string, "Where the schedule's clock hangs, such as Europe/Oslo; the master's own time zone, if left out."),
}) {}
export class CronJobStatus extends message(`${batch}.CronJobStatus`, "How a cron job is.", {
  active: field(1, list(ObjectReference), "Its jobs that run.", atomic),
  lastScheduleTime: optional(4, time, "When a job last began."),
  lastSuccessfulTime: optional(5, time, "When a job last succeeded."),
}) {}
export class CronJob extends kind("batch/v1", `${batch}.CronJob`, "A job, again and again, on a schedule.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: required(2, CronJobSpec, "What is wanted."),
  status: field(3, CronJobStatus, "What is. Written by the system.", { default: {} }),
}) {}

/** A job's name is the cron job's and eleven characters, and a label may have 63. */
const nameCharacters = 52;

export const cronJobs = resource(CronJob, {
  plural: "cronjobs",
  short: ["cj"],
  categories: ["all"],
  namespaced: true,
  status: true,
  columns: {
    Schedule: ({ spec }) => spec.schedule,
    Timezone: ({ spec }) => spec.timeZone ?? "<none>",
    Suspend: ({ spec }) => spec.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False",
    Active: { type: "integer", cell: ({ status }) => status?.active?.length ?? 0 },
    "Last Schedule": ({ status }, now) => status?.lastScheduleTime ? age(status.lastScheduleTime, now) : "<none>",
    Age: ageOf,
    Containers: { wide: true, cell: ({ spec }) => wideColumns.Containers.cell(spec.jobTemplate) },
    Images: { wide: true, cell: ({ spec }) => wideColumns.Images.cell(spec.jobTemplate) },
    Selector: { wide: true, cell: ({ spec }) => wideColumns.Selector.cell(spec.jobTemplate) },
  },
  defaults({ spec }) {
    const pod = spec?.jobTemplate?.spec?.template?.spec;
    if (pod) defaultPodSpec(pod);
  },
  validate({ metadata, spec }, old) {
    if (specUnchanged({ spec }, old)) return [];
    const { jobTemplate: { spec: job } } = spec, name = metadata?.name ?? "", at = "spec.jobTemplate.spec";
    return [
      ...validateSchedule(spec.schedule, spec.timeZone),
      ...notNegative("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds),
      ...old?.spec.timeZone === spec.timeZone ? [] : validateTimeZone(spec.timeZone),
      ...job ? validateJobSpec(job, at) : [missing(`${at}.template`)],
      ...job?.selector ? [invalid(`${at}.selector`, job.selector, "`selector` will be auto-generated")] : [],
      ...job?.manualSelector ? [unsupported(`${at}.manualSelector`, true, ["nil", "false"])] : [],
      ...notNegative("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit),
      ...notNegative("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit),
      ...old === undefined && name.length > nameCharacters
        ? [invalid("metadata.name", name, `must be no more than ${nameCharacters} characters`)]
        : [],
    ];
  },
});

function validateSchedule(schedule: string, timeZone: string | undefined): Cause[] {
  if (schedule === "") return [missing("spec.schedule")];
  if (schedule.length > scheduleCharacters) return [tooLong("spec.schedule", scheduleCharacters)];
  try {
    parseCron(schedule);
  } catch (error) {
    return [invalid("spec.schedule", schedule, (error as Error).message)];
  }
  if (!schedule.includes("TZ")) return [];
  const words = timeZone === undefined
    ? "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    : "cannot use both timeZone field and TZ or CRON_TZ in schedule";
  return [invalid("spec.schedule", schedule, words)];
}
function validateTimeZone(timeZone: string | undefined): Cause[] {
  if (timeZone === undefined) return [];
  if (timeZone === "") return [invalid("spec.timeZone", timeZone, "timeZone must be nil or non-empty string")];
  if (timeZone.toLowerCase() === "local") {
    const words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    return [invalid("spec.timeZone", timeZone, words)];
  }
  return isTimeZone(timeZone) ? [] : [invalid("spec.timeZone", timeZone, `unknown time zone ${timeZone.slice(0, 80)}`)];
}
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false; // "+01:00" is none of the database's
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
