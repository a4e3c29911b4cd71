// Rules of rights.
import type { Cause } from "../../decode.ts";
import type { Syntax } from "../../names.ts";
import { duplicate, invalid, missing } from "../../resource.ts";
import { descending, each, obeysSyntax, unique } from "./check.ts";
import type { AppArmorProfile, PodSecurityContext, SeccompProfile, SecurityContext } from "./security.ts";

export function validateSecurity(context: SecurityContext, at: string): Cause[] {
  const { allowPrivilegeEscalation, privileged, capabilities } = context;
  const causes = validateIdentity(context, at);
  if (allowPrivilegeEscalation !== false) return causes;
  if (privileged) causes.push(invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
  if (capabilities?.add?.includes("CAP_SYS_ADMIN")) {
    causes.push(invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"));
  }
  return causes;
}

export const validatePodSecurity = (context: PodSecurityContext, at: string): Cause[] => [
  ...validateIdentity(context, at),
  ...validateId(context.fsGroup, `${at}.fsGroup`),
  ...each(context.supplementalGroups, `${at}.supplementalGroups`, validateId),
  ...each(context.sysctls, `${at}.sysctls`, ({ name }, here) => obeysSyntax(`${here}.name`, name, sysctlName)),
  ...unique(context.sysctls, `${at}.sysctls`, ({ name }) => name, (here, name) => duplicate(`${here}.name`, name)),
];

const validateIdentity = (context: SecurityContext | PodSecurityContext, at: string): Cause[] => [
  ...validateId(context.runAsUser, `${at}.runAsUser`),
  ...validateId(context.runAsGroup, `${at}.runAsGroup`),
  ...validateProfile(context.seccompProfile, `${at}.seccompProfile`, "seccomp", descending),
  ...validateProfile(context.appArmorProfile, `${at}.appArmorProfile`, "AppArmor", unpadded),
];
function validateId(id: number | undefined, at: string): Cause[] {
  return id === undefined || (id >= 0 && id <= 2 ** 31 - 1) ? [] : [invalid(at, id, "must be between 0 and 2147483647, inclusive")];
}
function validateProfile(profile: SeccompProfile | AppArmorProfile | undefined, at: string, called: string, syntax: Syntax): Cause[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile, field = `${at}.localhostProfile`;
  if (type !== "Localhost") {
    return localhostProfile === undefined ? [] : [invalid(field, localhostProfile, `can only be set when ${called} type is Localhost`)];
  }
  return localhostProfile ? obeysSyntax(field, localhostProfile, syntax) : [missing(field, `must be set when ${called} type is Localhost`)];
}
const unpadded: Syntax = (name) => name === name.trim() ? [] : ["must not be padded with whitespace"];

const segment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const sysctl = new RegExp(`^(${segment}[\\./])*${segment}$`);
const sysctlName: Syntax = (name) =>
  name.length <= 253 && sysctl.test(name) ? [] : [`must have at most 253 characters and match regex ${sysctl.source}`];
