// One change through the whole list of admission, in a world with nothing else in it than every namespace has, or what a test puts there.
import type { Kind } from "../../shared/api/resource.ts";
import type { ApiError } from "../../shared/api/status.ts";
import { admit } from "../../master/registry/admission.ts";
import type { AdmissionContext, World } from "../../master/registry/change.ts";
import type { Draft } from "../../master/registry/lifecycle.ts";

export const emptyWorld: World = {
  namespaceLabels: () => Promise.resolve({}),
  pods: () => Promise.resolve([]),
  definitions: () => Promise.resolve(0),
  webhooks: () => Promise.resolve([]),
  newUid: () => "00000000-0000-4000-8000-000000000000",
  monotonic: () => 0,
  callWebhook: () => Promise.reject(new Error("there is none")),
  limitRanges: () => Promise.resolve([]),
  priorityClasses: () => Promise.resolve([]),
  storageClasses: () => Promise.resolve([]),
  ingressClasses: () => Promise.resolve([]),
  serviceAccount: (namespace, name) => Promise.resolve(name === "default" ? { metadata: { name, namespace } } : undefined),
};
export type Given = Partial<Omit<AdmissionContext, "world">> & { readonly world?: Partial<World> };

export async function admitted<T>(kind: Kind<T>, object: object, context: Given = {}, old?: object): Promise<Draft> {
  const { object: result, error } = await verdict(kind, object, context, old);
  if (error) throw error;
  return result;
}
export async function refusal<T>(kind: Kind<T>, object: object, context: Given = {}, old?: object): Promise<ApiError> {
  const { error } = await verdict(kind, object, context, old);
  if (!error) throw new Error("expected a refusal");
  return error;
}
const verdict = <T>(kind: Kind<T>, object: object, context: Given, old?: object) =>
  admit(kind as unknown as Kind, object as Draft, old as Draft | undefined, { ...context, world: { ...emptyWorld, ...context.world } });

export const pod = (spec: object = {}, more: object = {}) => ({
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "c", image: "i" }], ...spec },
  ...more,
});
