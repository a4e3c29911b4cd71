import { bool, bytes, field, kind, map, optional, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { resource } from "../resource.ts";

export class Secret extends kind("v1", "k8s.io.api.core.v1.Secret", "Passwords, keys and the like: bytes by key.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  data: field(2, map(bytes), "Bytes by key, in base64. A key may be a file name: letters, digits, `-`, `_` and `.`."),
  type: field(3, string, "What is in it, for programs. It cannot change.", { default: "Opaque" }),
  stringData: field(4, map(string), "Texts by key, for writing only: they go into `data`, over what is there."),
  immutable: optional(5, bool, "If true, the data can never change again, nor can this."),
}) {}

export const secrets = resource(Secret, {
  plural: "secrets",
  namespaced: true,
  selectable: { type: (secret) => secret.type ?? "" },
  columns: { Type: (secret) => secret.type ?? "", Data: ({ data = {} }) => Object.keys(data).length },
});
