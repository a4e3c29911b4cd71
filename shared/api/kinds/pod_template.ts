// What pods may be made from, by whoever wants to.
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { fromMap, toText } from "../selector.ts";
import { field, kind } from "../schema.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { PodTemplateSpec } from "./pod/pod_spec.ts";
import { validatePodTemplate } from "./pod/validate.ts";
import { specUnchanged, wideColumns } from "./workload.ts";

export class PodTemplate extends kind("v1", "k8s.io.api.core.v1.PodTemplate", "What pods may be made from.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  template: field(2, PodTemplateSpec, "What the pods look like.", { default: {} }),
}) {}

export const podTemplates = resource(PodTemplate, {
  plural: "podtemplates",
  namespaced: true,
  generation: true,
  age: false,
  columns: {
    Containers: ({ template }) => wideColumns.Containers.cell({ spec: { template: template ?? {} } }),
    Images: ({ template }) => wideColumns.Images.cell({ spec: { template: template ?? {} } }),
    "Pod Labels": ({ template }) =>
      toText(fromMap(template?.metadata?.labels ?? {}).toSorted((a, b) => a.key < b.key ? -1 : 1)) || "<none>",
  },
  defaults({ template }) {
    if (template?.spec) defaultPodSpec(template.spec);
  },
  validate: ({ template = {} }, old) =>
    specUnchanged({ spec: template }, old && { spec: old.template }) ? [] : validatePodTemplate(template, "template"),
});
