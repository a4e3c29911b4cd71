// Nobody gives away what they do not have: who writes a role holds all that it allows, and who binds one, too; or they may expressly `escalate` or `bind`.
// A controller's finalizers and owners in it are nobody's rights.
import { type ClusterRole, clusterRoles, type PolicyRule, rbacGroup } from "../../shared/api/kinds/role.ts";
import type { AnyBinding } from "../../shared/api/kinds/role_binding.ts";
import { sameJson } from "../../shared/api/json.ts";
import type { Kind, KubernetesObject } from "../../shared/api/resource.ts";
import { ApiError, forbiddenObject } from "../../shared/api/status.ts";
import { grantedRights } from "../../shared/limits.ts";
import type { Authorizer } from "./authorizer.ts";
import { countSingles, missingFrom, ruleTexts } from "./rules.ts";
import { admins, type User } from "./user.ts";

const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Pure over what the authorizer knows. Undefined: they may. */
export function escalation(
  authorizer: Authorizer,
  user: User,
  { kind, object, old }: { readonly kind: Kind; readonly object: KubernetesObject; readonly old?: KubernetesObject | undefined },
): ApiError | undefined {
  if (kind.group !== rbacGroup || user.groups.includes(admins) || (old && sameJson(granting(object), granting(old)))) return undefined;
  const { name = "", namespace = "" } = object.metadata ?? {};
  const may = (verb: string, resource: string, of: string) =>
    authorizer.authorize(user, { verb, group: rbacGroup, resource, namespace, name: of }).allowed;
  const held = () => authorizer.rightsOf(user, namespace);

  if (kind.plural.endsWith("roles")) {
    const { rules = [], aggregationRule } = object as ClusterRole;
    if (may("escalate", kind.plural, name)) return undefined;
    if (aggregationRule && kind.plural === clusterRoles.plural && missingFrom(held().rules, everything).length > 0) {
      return forbiddenObject(kind, name, "must have cluster-admin privileges to use the aggregationRule");
    }
    return refusal(kind, name, user, held(), rules);
  }
  const { roleRef } = object as AnyBinding;
  if (may("bind", roleRef.kind === "Role" ? "roles" : clusterRoles.plural, roleRef.name)) return undefined;
  try {
    return refusal(kind, name, user, held(), authorizer.rulesOf(roleRef, namespace));
  } catch (error) {
    if (error instanceof ApiError) return error; // of a role that is not there nobody knows what it will allow
    throw error;
  }
}

/** Without what garbage collection alone changes, and what each write changes. */
function granting({ metadata, ...rest }: KubernetesObject): unknown {
  const { ownerReferences: _, finalizers: __, managedFields: ___, resourceVersion: ____, generation: _____, ...more } = metadata ?? {};
  return { ...rest, metadata: more };
}

function refusal(
  kind: Kind,
  name: string,
  user: User,
  { rules, error }: ReturnType<Authorizer["rightsOf"]>,
  wanted: readonly PolicyRule[],
) {
  if (countSingles(wanted) > grantedRights) {
    return forbiddenObject(kind, name, `it gives more than ${grantedRights} rights at once: use \`*\`, or several roles`);
  }
  const missing = missingFrom(rules, wanted);
  if (missing.length === 0) return undefined;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(" ");
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${
    ruleTexts(missing).join("\n")
  }`;
  return forbiddenObject(kind, name, error ? `${why}; resolution errors: ${error}` : why);
}
