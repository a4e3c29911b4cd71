import { bool, bytes, field, kind, map, optional, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";
import { validateContents, validateImmutable } from "./contents.ts";

export class ConfigMap extends kind("v1", "k8s.io.api.core.v1.ConfigMap", "Configuration for pods to read: texts and bytes by key.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  data: field(2, map(string), "Texts by key. A key may be a file name: letters, digits, `-`, `_` and `.`."),
  binaryData: field(3, map(bytes), "Bytes by key, in base64. No key may also stand in `data`."),
  immutable: optional(4, bool, "If true, the data can never change again, nor can this."),
}) {}

export const configMaps = resource(ConfigMap, {
  plural: "configmaps",
  short: ["cm"],
  namespaced: true,
  columns: { Data: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length },
  validate: ({ data = {}, binaryData = {}, immutable }, old) => [
    ...validateContents("[]", { data }, { binaryData }),
    ...old?.immutable ? validateImmutable({ immutable, data, binaryData }, { data: old.data ?? {}, binaryData: old.binaryData ?? {} }) : [],
  ],
});
