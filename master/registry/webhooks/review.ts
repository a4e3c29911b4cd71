// What a webhook is told and what it may answer: AdmissionReview of admission.k8s.io/v1. Pure. The words are those of upstream's webhook plugins.
import { Buffer } from "node:buffer";
import * as v from "valibot";
import type { Variables } from "../../../shared/api/kinds/webhook_conditions.ts";
import { apiVersionOf, type Kind } from "../../../shared/api/resource.ts";
import { ApiError, type Status } from "../../../shared/api/status.ts";
import { webhookWarningCharacters, webhookWarnings } from "../../../shared/limits.ts";
import type { AdmissionContext } from "../change.ts";
import type { Draft } from "../lifecycle.ts";
import type { Asked } from "./match.ts";

export interface Question extends Asked {
  readonly object: Draft | undefined;
  readonly old: Draft | undefined;
  readonly context: AdmissionContext;
}
interface Review {
  readonly kind: string;
  readonly apiVersion: string;
  readonly request: {
    readonly uid: string;
    readonly object: object | null;
    readonly oldObject: object | null;
    readonly [more: string]: unknown;
  };
}
const reviewVersion = "admission.k8s.io/v1";
/** The master's own parts, as upstream's API server calls itself. */
const system = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

export function review(uid: string, { kind, subresource, operation, object, old, context }: Question): Review {
  const { group, version, plural } = kind, { name = "", namespace = "" } = (object ?? old)!.metadata;
  const { user = system, dryRun = false, writer } = context,
    extra = (user as { extra?: object }).extra,
    { uid: userUid } = user as { uid?: string };
  const asKind = { group, version, kind: kind.kind },
    asResource = { group, version, resource: plural },
    part = subresource && { subResource: subresource };
  const options = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions" }[operation];
  return {
    kind: "AdmissionReview",
    apiVersion: reviewVersion,
    request: {
      uid,
      kind: asKind,
      resource: asResource,
      ...part,
      requestKind: asKind,
      requestResource: asResource,
      ...(subresource && { requestSubResource: subresource }),
      name,
      ...(namespace && { namespace }),
      operation,
      userInfo: { username: user.name, ...(userUid && { uid: userUid }), groups: user.groups, ...(extra && { extra }) },
      object: object ? whole(kind, object) : null,
      oldObject: old ? whole(kind, old) : null,
      dryRun,
      options: {
        kind: options,
        apiVersion: "meta.k8s.io/v1",
        ...(writer && operation !== "DELETE" && { fieldManager: writer.manager }),
        ...(dryRun && { dryRun: ["All"] }),
      },
    },
  };
}
/** The request as conditions see it: without the objects, which are variables of their own. */
export function conditionsSee(question: Question): Variables {
  const { request: { uid: _, object, oldObject, ...request } } = review("", question);
  return { object, oldObject, request };
}
export const whole = (kind: Kind, object: Draft): object => ({ ...object, apiVersion: apiVersionOf(kind), kind: kind.kind });

const text = v.optional(v.string());
const Answer = v.object({
  apiVersion: v.string(),
  kind: v.string(),
  response: v.optional(v.object({
    uid: v.string(),
    allowed: v.boolean(),
    status: v.optional(v.object({ code: v.optional(v.number()), message: text, reason: text, details: v.optional(v.looseObject({})) })),
    patch: v.nullish(v.string()),
    patchType: v.nullish(v.string()),
    warnings: v.nullish(v.array(v.string())),
    auditAnnotations: v.nullish(v.record(v.string(), v.string())),
  })),
});
export interface Verdict {
  readonly allowed: boolean;
  readonly status?:
    | { readonly code?: number | undefined; readonly message?: string | undefined; readonly reason?: string | undefined }
    | undefined;
  /** Operations of a JSON patch. */
  readonly patch: readonly unknown[];
  readonly warnings: readonly string[];
}
/** @throws Error that says what is wrong with it */
export function readAnswer(body: string, uid: string, mutating: boolean): Verdict {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Answer), body);
  if (!parsed.success) throw new Error(`the answer is no AdmissionReview: ${parsed.issues[0].message}`);
  const { apiVersion, kind, response } = parsed.output;
  if (apiVersion !== reviewVersion || kind !== "AdmissionReview") {
    throw new Error(`expected webhook response of ${reviewVersion}, Kind=AdmissionReview, got ${apiVersion}, Kind=${kind}`);
  }
  if (!response) throw new Error("webhook response was absent");
  if (response.uid !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid)}`);
  const { allowed, status, patch, patchType, warnings } = response;
  if (patch && !mutating) throw new Error("validating webhooks may not return response.patch");
  if (patch && !patchType) throw new Error("webhook returned response.patch but not response.patchType");
  if (patchType && !mutating) throw new Error("validating webhooks may not return response.patchType");
  if (patchType && patchType !== "JSONPatch") {
    throw new Error(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}, must be "JSONPatch"`);
  }
  return {
    allowed,
    ...(status && { status }),
    patch: patch ? operationsIn(patch) : [],
    warnings: (warnings ?? []).slice(0, webhookWarnings).map((words) => words.slice(0, webhookWarningCharacters)),
  };
}
function operationsIn(base64: string): readonly unknown[] {
  const decoded = v.safeParse(v.pipe(v.string(), v.parseJson(), v.array(v.unknown())), Buffer.from(base64, "base64").toString());
  if (!decoded.success) throw new Error("response.patch is no JSON patch in base64");
  return decoded.output;
}

/** A refusal, with the code and the reason that the webhook has chosen. */
class Denied extends ApiError {
  readonly #status: Status;
  constructor(status: Status) {
    super("Forbidden", status.message!);
    this.#status = status;
  }
  override get code(): number {
    return this.#status.code!;
  }
  override status(): Status {
    return this.#status;
  }
}
export function denied(hook: string, { status = {} }: Verdict): ApiError {
  const by = `admission webhook ${JSON.stringify(hook)} denied the request`,
    { message, reason, code = 0 } = status,
    why = message || reason;
  return new Denied({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: why ? `${by}: ${why}` : `${by} without explanation`,
    ...(reason && { reason }),
    // A refusal is never a success, whatever it says of itself.
    code: Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400,
  });
}
export const failed = (hook: string, cause: unknown): ApiError =>
  new ApiError("InternalError", `Internal error occurred: failed calling webhook ${JSON.stringify(hook)}: ${(cause as Error).message}`, {
    cause,
  });
