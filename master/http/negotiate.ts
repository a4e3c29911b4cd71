// Which of the forms we can speak the client asked for (Accept). A media type matches by its parameters, in whatever order they stand.
import { ApiError } from "../../shared/api/status.ts";

/** `object`: as it is; `table`: for people; `metadata`: PartialObjectMetadata; `discovery`: the aggregated list of groups. */
export type Form = "object" | "table" | "metadata" | "discovery";
export interface Wanted {
  readonly form: Form;
  readonly yaml: boolean;
  /** Of the form, where it has one: v1, v1beta1, v2, v2beta1. */
  readonly version: string;
}
interface MediaType {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Values of Accept that are kept parsed: clients send a handful, and each again and again. */
const rememberedAccepts = 256;
const parsed = new Map<string, readonly MediaType[]>();

const forms: Readonly<Record<string, { form: Form; group: string; versions: readonly string[] }>> = {
  Table: { form: "table", group: "meta.k8s.io", versions: ["v1", "v1beta1"] },
  PartialObjectMetadata: { form: "metadata", group: "meta.k8s.io", versions: ["v1", "v1beta1"] },
  PartialObjectMetadataList: { form: "metadata", group: "meta.k8s.io", versions: ["v1", "v1beta1"] },
  APIGroupDiscoveryList: { form: "discovery", group: "apidiscovery.k8s.io", versions: ["v2", "v2beta1"] },
};

/** The first type of the client's that we have among `offered`. Without Accept: the object as JSON. @throws ApiError NotAcceptable */
export function negotiate(accept: string | undefined | null, ...offered: readonly Form[]): Wanted {
  if (!accept) return { form: "object", yaml: false, version: "" };
  for (const { type, parameters } of mediaTypes(accept)) {
    const yaml = type === "application/yaml";
    if (!yaml && type !== "application/json" && type !== "application/*" && type !== "*/*") continue;
    const { as, g = "", v = "" } = parameters;
    if (as === undefined) {
      if (offered.includes("object")) return { form: "object", yaml, version: "" };
      continue;
    }
    const known = forms[as];
    if (known && offered.includes(known.form) && g === known.group && known.versions.includes(v)) {
      return { form: known.form, yaml, version: v };
    }
  }
  throw new ApiError("NotAcceptable", "only the following media types are accepted: application/json, application/yaml");
}

/** Best first: by q, then as sent. */
function mediaTypes(accept: string): readonly MediaType[] {
  const known = parsed.get(accept);
  if (known) return known;
  const types = accept.split(",").map(mediaType);
  const q = ({ parameters }: MediaType) => Number(parameters.q ?? 1) || 0;
  const sorted = types.filter((type) => q(type) > 0).sort((a, b) => q(b) - q(a));
  if (parsed.size >= rememberedAccepts) parsed.clear();
  parsed.set(accept, sorted);
  return sorted;
}

export function mediaType(text: string): MediaType {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters: Record<string, string> = {};
  for (const part of rest) {
    const at = part.indexOf("=");
    if (at > 0) parameters[part.slice(0, at).toLowerCase()] = part.slice(at + 1).replace(/^"(.*)"$/, "$1");
  }
  return { type: type.toLowerCase(), parameters };
}
