import { atomic, field, kind, list, mergedBy, message, oneOf, required, string } from "../schema.ts";
import { time } from "../scalars.ts";
import { ObjectMeta } from "../meta.ts";
import { qualifiedName } from "../names.ts";
import { invalid, resource } from "../resource.ts";

const core = "k8s.io.api.core.v1";

export class NamespaceCondition extends message(`${core}.NamespaceCondition`, "One aspect of a namespace's end.", {
  type: required(1, string, "Name of the aspect."),
  status: required(2, string, "True, False or Unknown."),
  lastTransitionTime: field(4, time, "When the status last changed."),
  reason: field(5, string, "Why, as one CamelCase word."),
  message: field(6, string, "Why, for people."),
}) {}

export class NamespaceSpec extends message(`${core}.NamespaceSpec`, "What must happen before the namespace may go.", {
  finalizers: field(1, list(string), "Who must still empty the namespace. Changed only through /finalize.", atomic),
}) {}

export class NamespaceStatus extends message(`${core}.NamespaceStatus`, "Where the namespace is in its life.", {
  phase: field(1, oneOf("Active", "Terminating"), "Active, or Terminating once it is deleted: then nothing new can be made in it."),
  conditions: field(2, list(NamespaceCondition), "What holds up its end.", mergedBy("type")),
}) {}

export class Namespace extends kind("v1", `${core}.Namespace`, "A space of its own for names.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  spec: field(2, NamespaceSpec, "What is wanted."),
  status: field(3, NamespaceStatus, "What is. Written by the system."),
}) {}

export const namespaces = resource(Namespace, {
  plural: "namespaces",
  short: ["ns"],
  namespaced: false,
  status: true,
  generation: false,
  names: "label",
  subresources: [{ name: "finalize", kind: "Namespace", verbs: ["update"] }],
  selectable: { "status.phase": (namespace) => namespace.status?.phase ?? "" },
  columns: { Status: (namespace) => namespace.status?.phase ?? "" },
  born(namespace) {
    const finalizers = namespace.spec?.finalizers ?? [];
    namespace.spec = { finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"] };
    namespace.status = { phase: "Active" };
  },
  dying(namespace) {
    namespace.status = { ...namespace.status, phase: "Terminating" };
  },
  inherit(namespace, { spec }) {
    if (spec) namespace.spec = structuredClone(spec);
  },
  validate({ metadata, spec, status }) {
    const causes = (spec?.finalizers ?? []).flatMap((name, i) =>
      qualifiedName(name).map((problem) => invalid(`spec.finalizers[${i}]`, name, problem))
    );
    const wanted = metadata?.deletionTimestamp ? "Terminating" : "Active", not = metadata?.deletionTimestamp ? "not " : "";
    if (status?.phase && status.phase !== wanted) {
      causes.push(invalid("status.Phase", status.phase, `may only be '${wanted}' if \`deletionTimestamp\` is ${not}empty`));
    }
    return causes;
  },
});
