// TokenRequest: what somebody wants a token for, made into what it will say. The rules and words are those of apiserver's serviceaccount/storage/token.go.
import { type Node, nodes } from "../../shared/api/kinds/node.ts";
import { pods } from "../../shared/api/kinds/pod.ts";
import { secrets } from "../../shared/api/kinds/secret.ts";
import type { ServiceAccount } from "../../shared/api/kinds/service_account.ts";
import { serviceAccounts } from "../../shared/api/kinds/service_account.ts";
import { type BoundObjectReference, type TokenRequestSpec, usualTokenSeconds } from "../../shared/api/kinds/token_request.ts";
import type { Kind } from "../../shared/api/resource.ts";
import { badRequest, conflict, notFound } from "../../shared/api/status.ts";
import type { Stored } from "../registry/face.ts";
import type { AccountTokens } from "./accounts.ts";
import { apiAudience, type Bound, type Grant } from "./claims.ts";

/** Seconds that the usual token of a pod really lives: a year. Older than it was asked for it is stale, and still good. */
export const extendedSeconds = 365 * 24 * 3600;

/** @param now ms since 1970 @throws ApiError NotFound, BadRequest, Conflict */
export async function grantFor(
  tokens: Pick<AccountTokens, "find">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { audiences: asked = [], expirationSeconds: seconds = 3600, boundObjectRef }: TokenRequestSpec,
  { now, id }: { readonly now: number; readonly id: string },
): Promise<Grant> {
  const account = await tokens.find(serviceAccounts, namespace, { name });
  if (!account) throw notFound(serviceAccounts, name);
  const bound = boundObjectRef ? await bind(tokens, account, boundObjectRef) : {};
  const audiences = asked.length > 0 ? asked : [apiAudience], issuedAt = Math.floor(now / 1000);
  const extends_ = seconds === usualTokenSeconds && bound.pod !== undefined && audiences.every((one) => one === apiAudience);
  return {
    account: { namespace, name, uid: account.uid },
    audiences,
    bound,
    issuedAt,
    expiresAt: issuedAt + (extends_ ? extendedSeconds : seconds),
    ...(extends_ && { warnAfter: issuedAt + seconds }),
    id,
  };
}

async function bind(tokens: Pick<AccountTokens, "find">, account: Stored<ServiceAccount>, reference: BoundObjectReference): Promise<Bound> {
  const { kind = "", apiVersion = "", name = "", uid: wanted } = reference;
  const look = async <T>(of: Kind<T>, namespace: string): Promise<Stored<T>> => {
    const found = await tokens.find(of, namespace, { name, uid: wanted || undefined });
    if (!found) throw notFound(of, name);
    if (wanted && found.uid !== wanted) {
      const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. ` +
        "The object might have been deleted and then recreated";
      throw conflict(of, name, why);
    }
    return found;
  };
  if (apiVersion === "v1" && kind === "Pod") {
    const pod = await look(pods, account.namespace), { serviceAccountName, nodeName } = pod.object.spec ?? {};
    if (serviceAccountName !== account.name) {
      throw badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(account.name)} to pod running with different serviceaccount name.`,
      );
    }
    const node: Stored<Node> | undefined = nodeName ? await tokens.find(nodes, "", { name: nodeName }) : undefined;
    return { pod: { name, uid: pod.uid }, node: node && { name: node.name, uid: node.uid } };
  }
  if (apiVersion === "v1" && kind === "Node") return { node: { name, uid: (await look(nodes, "")).uid } };
  if (apiVersion === "v1" && kind === "Secret") return { secret: { name, uid: (await look(secrets, account.namespace)).uid } };
  const [version, group = ""] = apiVersion.split("/").reverse();
  throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}
