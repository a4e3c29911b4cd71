// One pod of a template on every node that fits.
import { ageOf } from "../age.ts";
import type { Cause } from "../decode.ts";
import { LabelSelector, ObjectMeta } from "../meta.ts";
import { invalid, missing, resource } from "../resource.ts";
import { intOrString, time } from "../scalars.ts";
import { field, int32, int64, kind, list, mergedBy, message, oneOf, optional, required, string } from "../schema.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import {
  atMostAll,
  isNothing,
  notNegative,
  selectorChanged,
  specUnchanged,
  validateCount,
  validateSelectorAndTemplate,
  wideColumns,
} from "./workload.ts";

const apps = "k8s.io.api.apps.v1";

export class RollingUpdateDaemonSet extends message(`${apps}.RollingUpdateDaemonSet`, "How far a rolling update may go at once.", {
  maxUnavailable: optional(
    1,
    intOrString,
    "Nodes whose pod may be missing: a number, or percent of the nodes, rounded up. 1, if left out.",
  ),
  maxSurge: optional(2, intOrString, "Nodes that may run the old and the new pod at once, instead: a number or percent. 0, if left out."),
}) {}
export class DaemonSetUpdateStrategy extends message(`${apps}.DaemonSetUpdateStrategy`, "How old pods are replaced by new ones.", {
  type: field(1, oneOf("RollingUpdate", "OnDelete"), "Little by little, or when somebody deletes the old one.", {
    default: "RollingUpdate",
  }),
  rollingUpdate: optional(2, RollingUpdateDaemonSet, "Bounds of a rolling update."),
}) {}
export class DaemonSetSpec extends message(`${apps}.DaemonSetSpec`, "What is wanted of a daemon set.", {
  selector: required(1, LabelSelector, "Which pods belong to it. It must match the template's labels and cannot change."),
  template: required(2, PodTemplateSpec, "What the pods look like; its node selector and affinity say on which nodes they run."),
  updateStrategy: field(3, DaemonSetUpdateStrategy, "How old pods are replaced by new ones.", { default: {} }),
  minReadySeconds: field(4, int32, "Seconds for which a pod must have been ready to count as available."),
  revisionHistoryLimit: optional(6, int32, "How many old templates are kept to roll back to.", { default: 10 }),
}) {}

export class DaemonSetCondition extends message(`${apps}.DaemonSetCondition`, "One aspect of a daemon set's state.", {
  type: required(1, string, "Name of the aspect."),
  status: required(2, string, "True, False or Unknown."),
  lastTransitionTime: field(3, time, "When the status last changed."),
  reason: field(4, string, "Why, as one CamelCase word."),
  message: field(5, string, "Why, for people."),
}) {}
export class DaemonSetStatus extends message(`${apps}.DaemonSetStatus`, "How a daemon set is.", {
  currentNumberScheduled: required(1, int32, "Nodes that should run its pod and do.", { default: 0 }),
  numberMisscheduled: required(2, int32, "Nodes that run its pod and should not.", { default: 0 }),
  desiredNumberScheduled: required(3, int32, "Nodes that should run its pod.", { default: 0 }),
  numberReady: required(4, int32, "Nodes that should run it and whose pod is ready.", { default: 0 }),
  observedGeneration: field(5, int64, "The generation this was seen for."),
  updatedNumberScheduled: field(6, int32, "Nodes that run a pod of the newest template."),
  numberAvailable: field(7, int32, "Nodes whose pod has been ready for minReadySeconds."),
  numberUnavailable: field(8, int32, "Nodes that should run it and whose pod is not available."),
  collisionCount: optional(9, int32, "How often the name of a new ControllerRevision was taken."),
  conditions: field(10, list(DaemonSetCondition), "Its state, aspect by aspect.", mergedBy("type")),
}) {}

export class DaemonSet extends kind("apps/v1", `${apps}.DaemonSet`, "One pod on every node that fits.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, DaemonSetSpec, "What is wanted."),
  status: field(3, DaemonSetStatus, "What is. Written by the system.", {
    default: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
}) {}

export const daemonSets = resource(DaemonSet, {
  plural: "daemonsets",
  short: ["ds"],
  categories: ["all"],
  namespaced: true,
  status: true,
  columns: {
    Desired: { type: "integer", cell: ({ status }) => status?.desiredNumberScheduled ?? 0 },
    Current: { type: "integer", cell: ({ status }) => status?.currentNumberScheduled ?? 0 },
    Ready: { type: "integer", cell: ({ status }) => status?.numberReady ?? 0 },
    "Up-to-date": { type: "integer", cell: ({ status }) => status?.updatedNumberScheduled ?? 0 },
    Available: { type: "integer", cell: ({ status }) => status?.numberAvailable ?? 0 },
    "Node Selector": ({ spec }) =>
      Object.entries(spec?.template?.spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`).sort().join() || "<none>",
    Age: ageOf,
    ...wideColumns,
  },
  defaults({ spec }) {
    if (spec?.template?.spec) defaultPodSpec(spec.template.spec);
    if (spec?.updateStrategy?.type !== "RollingUpdate") return;
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  },
  validate({ spec }, old) {
    if (specUnchanged({ spec }, old)) return [];
    return [
      ...validateSelectorAndTemplate("DaemonSet", spec),
      ...notNegative("spec.minReadySeconds", spec?.minReadySeconds),
      ...validateStrategy(spec?.updateStrategy),
      ...notNegative("spec.revisionHistoryLimit", spec?.revisionHistoryLimit),
      ...selectorChanged(spec, old?.spec),
    ];
  },
});

function validateStrategy({ type, rollingUpdate }: DaemonSetUpdateStrategy = {}): Cause[] {
  const at = "spec.updateStrategy.rollingUpdate";
  if (type === "OnDelete") return [];
  if (!rollingUpdate) return [missing(at)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const causes = [...validateCount(`${at}.maxUnavailable`, maxUnavailable), ...validateCount(`${at}.maxSurge`, maxSurge)];
  if (!isNothing(maxUnavailable) && !isNothing(maxSurge)) {
    causes.push(invalid(`${at}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  } else if (isNothing(maxUnavailable) && isNothing(maxSurge)) {
    causes.push(missing(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
  return [...causes, ...atMostAll(`${at}.maxUnavailable`, maxUnavailable), ...atMostAll(`${at}.maxSurge`, maxSurge)];
}
