// The kinds that a definition makes: one a served version, each as good as those of the house. Pure, and the same on every master.
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from "../kinds/custom_resource_definition.ts";
import type { Kind, KubernetesObject } from "../resource.ts";
import { columnsOf, selectableOf } from "./columns.ts";
import { checkRules } from "./rules.ts";
import { customMessage } from "./types.ts";
import { defaulted, pruned, type Schema } from "./structural.ts";
import { newWalk, validateValue } from "./validate.ts";

export interface DefinedKinds {
  /** What its objects are in the store, and to the master's own parts: of the version that is written, even where nobody is served it. */
  readonly stored: Kind;
  readonly served: readonly Kind[];
}
export const isTrue = ({ status }: CustomResourceDefinition, condition: string): boolean =>
  status?.conditions?.some(({ type, status }) => type === condition && status === "True") ?? false;

/** Undefined while nothing of it is served: its names are not accepted yet, and there can be no objects. */
export function kindsOf(definition: CustomResourceDefinition): DefinedKinds | undefined {
  if (!isTrue(definition, "Established")) return undefined;
  const { versions } = definition.spec, storage = versions.find((version) => version.storage);
  if (!storage) return undefined;
  const kinds = new Map(versions.map((version) => [version, kindOf(definition, version, storage.name)]));
  return { stored: kinds.get(storage)!, served: versions.filter(({ served }) => served).map((version) => kinds.get(version)!) };
}

/** What lies in the store may be older than the schema. */
const readable = (schema: Schema, stored: KubernetesObject): KubernetesObject =>
  defaulted(schema, pruned(schema, stored, true)) as KubernetesObject;

function kindOf({ metadata, spec, status }: CustomResourceDefinition, version: CustomResourceDefinitionVersion, storage: string): Kind {
  const { group, scope } = spec, names = status?.acceptedNames ?? spec.names;
  const {
    name,
    schema: { openAPIV3Schema: schema = {} as Schema } = {},
    subresources,
    additionalPrinterColumns = [],
    selectableFields = [],
  } = version;
  const apiVersion = `${group}/${name}`, id = `${group.split(".").toReversed().join(".")}.${name}.${names.kind}`;
  const message = customMessage(apiVersion, id, schema), columns = columnsOf(additionalPrinterColumns);
  const scale = subresources?.scale;
  return {
    schema: message,
    group,
    version: name,
    kind: names.kind,
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
    plural: names.plural,
    ...names.shortNames && { short: names.shortNames },
    ...names.categories && { categories: names.categories },
    namespaced: scope === "Namespaced",
    definition: metadata!.name!,
    status: subresources?.status !== undefined,
    ...scale && {
      scale: {
        specReplicas: scale.specReplicasPath,
        statusReplicas: scale.statusReplicasPath,
        ...scale.labelSelectorPath && { selector: scale.labelSelectorPath },
      },
    },
    conditionalUpdate: true,
    generation: true,
    ...version.deprecated && { deprecated: version.deprecationWarning ?? `${apiVersion} ${names.kind} is deprecated` },
    ...columns && { columns, age: false },
    ...selectableFields.length > 0 && { selectable: selectableOf(selectableFields) },
    kept: { version: storage, read: (stored) => ({ ...readable(schema, stored), apiVersion, kind: names.kind }) },
    validate(object, old) {
      const walk = newWalk();
      validateValue(schema, object, "", walk, old);
      checkRules(schema, object, walk, old);
      return walk.causes;
    },
  };
}
