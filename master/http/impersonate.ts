// `kubectl --as`: a request that is carried out as somebody else, if who sends it may impersonate each part of them.
import type { Authorizer } from "../rbac/authorizer.ts";
import {
  anonymous,
  authenticated,
  type ResourceAttributes,
  serviceAccountGroups,
  serviceAccountOf,
  unauthenticated,
  type User,
} from "../rbac/user.ts";
import { badRequest } from "../../shared/api/status.ts";
import { impersonatedValues } from "../../shared/limits.ts";
import { mayOrThrow } from "./rbac.ts";

/** Each header once for each time it was sent: a group may have commas in its name. */
export type Headers = Iterable<readonly [name: string, value: string]>;
const extraPrefix = "impersonate-extra-";

/** @returns who asks, or whom they impersonate. @throws ApiError Forbidden, BadRequest */
export function impersonated(authorizer: Authorizer, asking: User, headers: Headers): User {
  const names: string[] = [], uids: string[] = [], groups: string[] = [], extra = new Map<string, string[]>();
  let count = 0;
  for (const [header, value] of headers) {
    const name = header.toLowerCase();
    if (!name.startsWith("impersonate-")) continue;
    if (++count > impersonatedValues) throw badRequest(`more than ${impersonatedValues} Impersonate headers`);
    if (name === "impersonate-user") names.push(value);
    else if (name === "impersonate-uid") uids.push(value);
    else if (name === "impersonate-group") groups.push(value);
    else if (name.startsWith(extraPrefix)) {
      const key = unescaped(name.slice(extraPrefix.length));
      extra.set(key, [...extra.get(key) ?? [], value]);
    } else throw badRequest(`unknown header ${name.slice(0, 100)}: nobody knows whom it means`);
  }
  if (count === 0) return asking;
  const [name] = names, [uid] = uids;
  if (names.length > 1 || uids.length > 1) throw badRequest("one user at a time can be impersonated");
  if (!name) throw badRequest("requested groups, uid or extra without impersonating a user");

  const account = serviceAccountOf(name);
  const may = (wanted: Omit<ResourceAttributes, "verb">) => mayOrThrow(authorizer, asking, { verb: "impersonate", ...wanted });
  may(account ? { group: "", resource: "serviceaccounts", ...account } : { group: "", resource: "users", name });
  for (const group of groups) may({ group: "", resource: "groups", name: group });
  const authentication = { group: "authentication.k8s.io", version: "v1" };
  for (const [key, values] of extra) {
    for (const value of values) may({ ...authentication, resource: "userextras", subresource: key, name: value });
  }
  if (uid !== undefined) may({ ...authentication, resource: "uids", name: uid });

  const own = groups.length === 0 && account ? serviceAccountGroups(account.namespace) : groups;
  const implied = own.includes(authenticated) || own.includes(unauthenticated)
    ? []
    : [name === anonymous.name ? unauthenticated : authenticated];
  return {
    name,
    groups: [...own, ...implied],
    ...(uid !== undefined && { uid }),
    ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
  };
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key; // as upstream: it stands for itself
  }
}
