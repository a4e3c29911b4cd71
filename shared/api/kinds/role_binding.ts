// Who has a role: RoleBinding in one namespace, ClusterRoleBinding everywhere.
import { age } from "../age.ts";
import type { Cause } from "../decode.ts";
import { sameJson } from "../json.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Subdomain, pathSegment } from "../names.ts";
import { type Column, invalid, missing, resource, unsupported } from "../resource.ts";
import { atomic, field, kind, list, message, required, string } from "../schema.ts";
import { rbacGroup } from "./role.ts";

const rbac = "k8s.io.api.rbac.v1";

export class Subject extends message(`${rbac}.Subject`, "Somebody, or a group.", {
  kind: required(1, string, "User, Group or ServiceAccount."),
  apiGroup: field(2, string, "Group of the kind: by default none for ServiceAccounts, and that of roles for users and groups."),
  name: required(3, string, "The name."),
  namespace: field(4, string, "Namespace of a ServiceAccount."),
}, { map: "atomic" }) {}

export class RoleRef extends message(`${rbac}.RoleRef`, "The role that is given.", {
  apiGroup: field(1, string, "Group of the kind.", { default: rbacGroup }),
  kind: required(2, string, "Role or ClusterRole."),
  name: required(3, string, "The name."),
}, { map: "atomic" }) {}

const metadata = field(1, ObjectMeta, "Name, labels and the like.");
const subjects = field(2, list(Subject), "Who has the role.", atomic);

export class RoleBinding extends kind(`${rbacGroup}/v1`, `${rbac}.RoleBinding`, "Gives a role to somebody, in one namespace.", {
  metadata,
  subjects,
  roleRef: required(3, RoleRef, "A Role of this namespace, or a ClusterRole. It cannot change."),
}) {}
export class ClusterRoleBinding extends kind(`${rbacGroup}/v1`, `${rbac}.ClusterRoleBinding`, "Gives a role to somebody, everywhere.", {
  metadata,
  subjects,
  roleRef: required(3, RoleRef, "A ClusterRole. It cannot change."),
}) {}
/** What both kinds of binding have. */
export type AnyBinding = Pick<RoleBinding, "metadata" | "subjects" | "roleRef">;

const named = (kind: string, text = ({ name }: Subject) => name): Column<AnyBinding> => ({
  wide: true,
  cell: ({ subjects = [] }) => subjects.filter((subject) => subject.kind === kind).map(text).join(", "),
});
const facts = {
  names: "path",
  columns: {
    Role: ({ roleRef }: AnyBinding) => `${roleRef.kind}/${roleRef.name}`,
    Age: ({ metadata }: AnyBinding, now: number) => age(metadata?.creationTimestamp, now),
    Users: named("User"),
    Groups: named("Group"),
    ServiceAccounts: named("ServiceAccount", ({ namespace = "", name }) => `${namespace}/${name}`),
  },
  defaults({ subjects = [] }: AnyBinding): void {
    for (const subject of subjects) if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ||= rbacGroup;
  },
} as const;

export const roleBindings = resource(RoleBinding, {
  ...facts,
  plural: "rolebindings",
  namespaced: true,
  validate: (binding, old) => validateBinding(binding, old, ["Role", "ClusterRole"]),
});
export const clusterRoleBindings = resource(ClusterRoleBinding, {
  ...facts,
  plural: "clusterrolebindings",
  namespaced: false,
  validate: (binding, old) => validateBinding(binding, old, ["ClusterRole"]),
});

function validateBinding({ roleRef, subjects = [] }: AnyBinding, old: AnyBinding | undefined, kinds: readonly string[]): Cause[] {
  const causes: Cause[] = [];
  if (roleRef.apiGroup !== rbacGroup) causes.push(unsupported("roleRef.apiGroup", roleRef.apiGroup, [rbacGroup]));
  if (!kinds.includes(roleRef.kind)) causes.push(unsupported("roleRef.kind", roleRef.kind, kinds));
  causes.push(...pathSegment(roleRef.name).map((problem) => invalid("roleRef.name", roleRef.name, problem)));
  causes.push(...subjects.flatMap((subject, i) => validateSubject(subject, `subjects[${i}]`, kinds.includes("Role"))));
  if (old && !sameJson(roleRef, old.roleRef)) causes.push(invalid("roleRef", roleRef, "cannot change roleRef"));
  return causes;
}

function validateSubject({ kind, apiGroup = "", name, namespace }: Subject, at: string, namespaced: boolean): Cause[] {
  switch (kind) {
    case "ServiceAccount":
      return [
        ...dns1123Subdomain(name).map((problem) => invalid(`${at}.name`, name, problem)),
        ...apiGroup === "" ? [] : [unsupported(`${at}.apiGroup`, apiGroup, [""])],
        ...namespace || namespaced ? [] : [missing(`${at}.namespace`)],
      ];
    case "User":
    case "Group":
      return apiGroup === rbacGroup ? [] : [unsupported(`${at}.apiGroup`, apiGroup, [rbacGroup])];
    default:
      return [unsupported(`${at}.kind`, kind, ["Group", "ServiceAccount", "User"])];
  }
}
