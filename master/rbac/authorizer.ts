// May you? Three say yes or nothing, in this order; where none says yes, the answer is no. Nobody can say no for the others.
import { admins, type Attributes, nodeName, type User } from "./user.ts";
import { type NodeView, ownedByNode } from "./node.ts";
import type { PolicyRule } from "../../shared/api/kinds/role.ts";
import type { Roles } from "./roles.ts";

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}
export interface Rights {
  readonly rules: readonly PolicyRule[];
  /** There are rights that no rule can say. */
  readonly incomplete: boolean;
  readonly error?: string;
}
/** One for everything: requests, reviews, and what one may give to others. */
export interface Authorizer {
  authorize(user: User, wanted: Attributes): Decision;
  /** What they may do in this namespace; "" for the cluster's scope. */
  rightsOf(user: User, namespace: string): Rights;
  /** What a binding in this namespace gives. @throws ApiError NotFound */
  rulesOf(roleRef: { readonly kind: string; readonly name: string }, namespace: string): readonly PolicyRule[];
}

/** Paths that tell nothing but whether we are well. A member that has lost the others, or has no roles yet, must be able to say so. */
const healthPaths = /^\/(healthz|livez|readyz)(\/.*)?$/;
export const isHealthPath = (path: string): boolean => healthPaths.test(path);
const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];
const allow = (reason: string): Decision => ({ allowed: true, reason });

export function createAuthorizer(roles: Roles, view: NodeView): Authorizer {
  return {
    authorize(user, wanted) {
      return byGroup(user) ?? byPath(wanted) ?? byNode(user, wanted, view) ?? roles.decide(user, wanted);
    },
    rightsOf(user, namespace) {
      if (byGroup(user)) return { rules: everything, incomplete: false };
      const { rules, errors } = roles.rulesFor(user, namespace);
      const problems = [...nodeName(user) === undefined ? [] : ["node authorizer does not support user rule resolution"], ...errors];
      return { rules, incomplete: problems.length > 0, ...(problems.length > 0 && { error: problems.join(", ") }) };
    },
    rulesOf: (roleRef, namespace) => roles.rulesOf(roleRef, namespace),
  };
}

/** Whoever repairs roles must not depend on them. */
const byGroup = (user: User): Decision | undefined => user.groups.includes(admins) ? allow(`group ${admins} may do everything`) : undefined;
const byPath = (wanted: Attributes): Decision | undefined =>
  "path" in wanted && (wanted.verb === "get" || wanted.verb === "head") && isHealthPath(wanted.path)
    ? allow("health is public")
    : undefined;
function byNode(user: User, wanted: Attributes, view: NodeView): Decision | undefined {
  const node = nodeName(user);
  return node !== undefined && ownedByNode(node, wanted, view) ? allow(`node ${node} may do that with what is its own`) : undefined;
}
