// Who asks, and what for: the words in which everything here is decided.

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Kubernetes' own names: clients, certificates and role bindings carry them. */
export const admins = "system:masters";
export const authenticated = "system:authenticated";
export const unauthenticated = "system:unauthenticated";
export const nodes = "system:nodes";
const nodePrefix = "system:node:";
export const anonymous: User = { name: "system:anonymous", groups: [unauthenticated] };

/** The node that this user is; undefined for anybody else. Group and name must agree. */
export const nodeName = (user: Pick<User, "name" | "groups">): string | undefined =>
  user.groups.includes(nodes) && user.name.startsWith(nodePrefix) ? user.name.slice(nodePrefix.length) : undefined;

const serviceAccountPrefix = "system:serviceaccount:";
export const serviceAccountName = (namespace: string, name: string): string => `${serviceAccountPrefix}${namespace}:${name}`;
/** The ServiceAccount of this user name; undefined for anybody else. */
export function serviceAccountOf(userName: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!userName.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, name, ...more] = userName.slice(serviceAccountPrefix.length).split(":");
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}
export const serviceAccountGroups = (namespace: string): string[] => ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly version?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** The field selector of a list or watch, as sent. */
  readonly fieldSelector?: string;
}
/** What somebody wants to do, in the words of a SubjectAccessReview. */
export type Attributes = ResourceAttributes | { readonly verb: string; readonly path: string };
