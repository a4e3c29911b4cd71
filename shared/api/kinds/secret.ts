import { Buffer } from "node:buffer";
import type { Cause } from "../decode.ts";
import { bool, bytes, field, kind, map, optional, string } from "../schema.ts";
import { ObjectMeta } from "../meta.ts";
import { immutable, invalid, missing, resource } from "../resource.ts";
import { validateContents, validateImmutable } from "./contents.ts";

export class Secret extends kind("v1", "k8s.io.api.core.v1.Secret", "Passwords, keys and the like: bytes by key.", {
  metadata: field(1, ObjectMeta, "Name, labels and the like."),
  data: field(2, map(bytes), "Bytes by key, in base64. A key may be a file name: letters, digits, `-`, `_` and `.`."),
  type: field(3, string, "What is in it, for programs. It cannot change.", { default: "Opaque" }),
  stringData: field(4, map(string), "Texts by key, for writing only: they go into `data`, over what is there."),
  immutable: optional(5, bool, "If true, the data can never change again, nor can this."),
}) {}

/** What lets devices and machines join. */
export const bootstrapTokenType = "bootstrap.kubernetes.io/token";
/** A token of the account that the annotation names. */
export const tokenSecretType = "kubernetes.io/service-account-token";
export const accountAnnotations = { name: "kubernetes.io/service-account.name", uid: "kubernetes.io/service-account.uid" } as const;

export const secrets = resource(Secret, {
  plural: "secrets",
  namespaced: true,
  selectable: { type: (secret) => secret.type ?? "" },
  columns: { Type: (secret) => secret.type ?? "", Data: ({ data = {} }) => Object.keys(data).length },
  defaults(secret) {
    if (!secret.stringData) return;
    const folded = Object.entries(secret.stringData).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
    secret.data = { ...secret.data, ...Object.fromEntries(folded) };
    delete secret.stringData;
  },
  validate(secret, old) {
    const { data = {}, type = "" } = secret;
    const causes = [...validateContents("data", {}, { data }), ...validateType(secret)];
    if (old && type !== old.type) causes.push(immutable("type", type));
    if (old?.immutable) causes.push(...validateImmutable({ immutable: secret.immutable, data }, { data: old.data ?? {} }));
    return causes;
  },
});

/** What each known type must have: all of `all`, or at least one of `any`. */
const contents: Readonly<Record<string, { all?: string[]; any?: string[]; json?: string; filled?: boolean }>> = {
  "kubernetes.io/dockercfg": { json: ".dockercfg" },
  "kubernetes.io/dockerconfigjson": { json: ".dockerconfigjson" },
  "kubernetes.io/basic-auth": { any: ["username", "password"] },
  "kubernetes.io/ssh-auth": { all: ["ssh-privatekey"], filled: true },
  "kubernetes.io/tls": { all: ["tls.crt", "tls.key"] },
};

function validateType({ metadata, type = "", data = {} }: Secret): Cause[] {
  if (type === tokenSecretType) {
    const { name } = accountAnnotations;
    return metadata?.annotations?.[name] ? [] : [missing(`metadata.annotations[${name}]`)];
  }
  const { all = [], any = [], json, filled = false } = contents[type] ?? {};
  const has = (key: string) => Object.hasOwn(data, key) && (!filled || data[key] !== "");
  const absent = [...all, ...json ? [json] : []].filter((key) => !has(key));
  if (any.length > 0 && !any.some(has)) absent.push(...any);
  if (absent.length > 0) return absent.map((key) => missing(`data[${key}]`));
  return json && !isJson(Buffer.from(data[json]!, "base64").toString())
    ? [invalid(`data[${json}]`, "<secret contents redacted>", "must be valid JSON")]
    : [];
}
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
