// A state that a controller once wanted, kept to go back to.
import { ageOf } from "../age.ts";
import { sameJson } from "../json.ts";
import { ObjectMeta } from "../meta.ts";
import { immutable, missing, resource } from "../resource.ts";
import { object } from "../scalars.ts";
import { field, int64, kind, required } from "../schema.ts";
import { notNegative } from "./workload.ts";

export class ControllerRevision extends kind("apps/v1", "k8s.io.api.apps.v1.ControllerRevision", "A state once wanted, to go back to.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  data: field(2, object, "The state, as a patch of the object that owns this. It cannot change."),
  revision: required(3, int64, "Which of the owner's states it is; the highest is the newest.", { default: 0 }),
}) {}

export const controllerRevisions = resource(ControllerRevision, {
  plural: "controllerrevisions",
  namespaced: true,
  columns: {
    Controller: ({ metadata }) => {
      const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
      if (!owner) return "<none>";
      const group = owner.apiVersion.split("/").slice(0, -1).map((group) => `.${group}`).join("");
      return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
    },
    Revision: { type: "integer", cell: ({ revision }) => revision },
    Age: ageOf,
  },
  validate: ({ data, revision }, old) => [
    ...data === undefined ? [missing("data", "data is mandatory")] : [],
    ...notNegative("revision", revision),
    ...old === undefined || sameJson(data, old.data) ? [] : [immutable("data", data)],
  ],
});
