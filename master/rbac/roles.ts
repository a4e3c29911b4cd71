// RBAC over the cache. Bindings are indexed by their subjects, so that a decision looks only at the bindings of who asks; roles are looked up by name.
import { clusterRoles, type PolicyRule, rbacGroup, roles } from "../../shared/api/kinds/role.ts";
import { type AnyBinding, clusterRoleBindings, roleBindings, type Subject } from "../../shared/api/kinds/role_binding.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { notFound } from "../../shared/api/status.ts";
import { missingRoles } from "../../shared/limits.ts";
import type { Cache } from "../registry/cache.ts";
import type { Stored } from "../registry/face.ts";
import type { Decision } from "./authorizer.ts";
import { allows } from "./rules.ts";
import { type Attributes, serviceAccountName, type User } from "./user.ts";

interface Held {
  readonly binding: Stored<AnyBinding>;
  readonly subject: Subject;
}
/** A role, as a binding names it. */
interface Named {
  readonly kind: string;
  readonly name: string;
}
export interface Roles {
  decide(user: User, wanted: Attributes): Decision;
  rulesFor(user: User, namespace: string): { readonly rules: PolicyRule[]; readonly errors: string[] };
  rulesOf(roleRef: Named, namespace: string): readonly PolicyRule[];
}

/** Follows the cache for as long as that lives. */
export function createRoles(cache: Cache): Roles {
  /** Namespace of the binding ("" for the cluster's), kind and name of the subject → its bindings. */
  const held = new Map<string, Set<Held>>();
  const entries = new Map<string, readonly (readonly [key: string, held: Held])[]>();

  const forget = ({ uid }: Stored<AnyBinding>): void => {
    for (const [key, one] of entries.get(uid) ?? []) {
      const set = held.get(key)!;
      set.delete(one);
      if (set.size === 0) held.delete(key);
    }
    entries.delete(uid);
  };
  const learn = (binding: Stored<AnyBinding>): void => {
    const found = (binding.object.subjects ?? []).map((subject) => [keyOf(binding.namespace, subject), { binding, subject }] as const);
    for (const [key, one] of found) {
      const set = held.get(key);
      if (set) set.add(one);
      else held.set(key, new Set([one]));
    }
    entries.set(binding.uid, found);
  };
  for (const kind of bindingKinds) for (const binding of cache.list(kind)) learn(binding);
  cache.subscribe(({ kind, before, after }) => {
    if (kind.group !== rbacGroup || !isBinding(kind)) return;
    if (before) forget(before as Stored as unknown as Stored<AnyBinding>);
    if (after) learn(after as Stored as unknown as Stored<AnyBinding>);
  });

  /** Undefined: there is no such role. */
  const find = ({ kind, name }: Named, namespace: string): readonly PolicyRule[] | undefined => {
    const role = kind === "Role" ? cache.get(roles, namespace, name) : cache.get(clusterRoles, "", name);
    return role && (role.object.rules ?? []);
  };
  /** Every binding that counts for them there, with its rules; those of the whole cluster first. */
  function* rights(user: User, namespace: string, errors: string[]): Iterable<Held & { readonly rules: readonly PolicyRule[] }> {
    for (const space of namespace === "" ? [""] : ["", namespace]) {
      for (const key of [`${space}/User/${user.name}`, ...user.groups.map((group) => `${space}/Group/${group}`)]) {
        for (const one of held.get(key) ?? []) {
          const { roleRef } = one.binding.object, rules = find(roleRef, space);
          if (rules) yield { ...one, rules };
          else if (errors.length < missingRoles) {
            errors.push(`${roleRef.kind.toLowerCase()}.${rbacGroup} ${JSON.stringify(roleRef.name)} not found`);
          }
        }
      }
    }
  }
  return {
    decide(user, wanted) {
      const errors: string[] = [];
      for (const { binding, subject, rules } of rights(user, "path" in wanted ? "" : wanted.namespace ?? "", errors)) {
        if (rules.some((rule) => allows(rule, wanted))) return { allowed: true, reason: because(binding, subject) };
      }
      return { allowed: false, reason: errors.length === 0 ? "" : `RBAC: ${errors.length === 1 ? errors[0] : `[${errors.join(", ")}]`}` };
    },
    rulesFor(user, namespace) {
      const errors: string[] = [], rules: PolicyRule[] = [];
      for (const right of rights(user, namespace, errors)) rules.push(...right.rules);
      return { rules, errors };
    },
    rulesOf(roleRef, namespace) {
      const rules = find(roleRef, namespace);
      if (!rules) throw notFound(roleRef.kind === "Role" ? roles : clusterRoles, roleRef.name);
      return rules;
    },
  };
}

const bindingKinds = [clusterRoleBindings, roleBindings] as unknown as readonly Kind<AnyBinding>[];
const isBinding = (kind: Kind): boolean => kind.plural === roleBindings.plural || kind.plural === clusterRoleBindings.plural;

/** A ServiceAccount is the user that its tokens speak for. */
const keyOf = (bound: string, { kind, name, namespace = bound }: Subject): string =>
  kind === "ServiceAccount" ? `${bound}/User/${serviceAccountName(namespace, name)}` : `${bound}/${kind}/${name}`;

function because({ object: { roleRef }, namespace, name }: Stored<AnyBinding>, subject: Subject): string {
  const binding = namespace === "" ? `ClusterRoleBinding ${JSON.stringify(name)}` : `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`;
  const who = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  return `RBAC: allowed by ${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}
