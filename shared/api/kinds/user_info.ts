// Who somebody is: what an authenticator finds out and others ask for.
import { atomic, field, list, map, message, string, wrapped } from "../schema.ts";

const authentication = "k8s.io.api.authentication.v1";

export class UserInfo extends message(`${authentication}.UserInfo`, "What is known of a user.", {
  username: field(1, string, "Name that tells them from all other active users."),
  uid: field(2, string, "Tells them from all users ever."),
  groups: field(3, list(string), "The groups they are in.", atomic),
  extra: field(4, map(wrapped(`${authentication}.ExtraValue`, string)), "What else the authenticator says."),
}) {}
