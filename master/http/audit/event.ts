// One line of the audit log: audit.k8s.io/v1 Event. Pure.
import { Buffer } from "node:buffer";
import type { Status } from "../../../shared/api/status.ts";
import { auditBodyBytes, auditTextCharacters } from "../../../shared/limits.ts";
import type { User } from "../../rbac/user.ts";
import type { RequestInfo } from "../request.ts";
import type { AuditLevel, Stage } from "./policy.ts";

export interface Audited {
  readonly level: AuditLevel;
  readonly stage: Stage;
  readonly auditId: string;
  readonly uri: string;
  readonly info: RequestInfo;
  /** Undefined: nobody knows who it was. */
  readonly user: User | undefined;
  readonly impersonated?: User | undefined;
  readonly sourceIp: string;
  readonly userAgent: string;
  /** ms since 1970 */
  readonly receivedMs: number;
  readonly nowMs: number;
  /** From ResponseStarted on. */
  readonly code?: number;
  readonly failure?: Status | undefined;
  /** Why it was allowed. */
  readonly reason?: string | undefined;
  /** JSON text. */
  readonly request?: string | undefined;
  readonly response?: string | undefined;
}

export function auditEvent(audited: Audited): string {
  const { level, stage, auditId, uri, info, user, impersonated, sourceIp, userAgent, receivedMs, nowMs, code, failure } = audited;
  const bodies = [["requestObject", audited.request], ["responseObject", audited.response]] as const;
  const shown = bodies.filter(([, text]) => text !== undefined && Buffer.byteLength(text) <= auditBodyBytes);
  const isCut = bodies.some(([, text]) => text !== undefined && Buffer.byteLength(text) > auditBodyBytes);
  const head = {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level,
    auditID: auditId,
    stage,
    requestURI: cut(uri),
    verb: info.verb,
    user: user ? userInfo(user) : {},
    ...(impersonated && { impersonatedUser: userInfo(impersonated) }),
    sourceIPs: [sourceIp],
    userAgent: cut(userAgent),
    ...(info.resource && { objectRef: objectRef(info.resource) }),
    ...(code !== undefined && { responseStatus: responseStatus(code, failure) }),
    requestReceivedTimestamp: micro(receivedMs),
    stageTimestamp: micro(nowMs),
    annotations: {
      ...(audited.reason !== undefined && { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": audited.reason }),
      ...(audited.reason === undefined && code === 403 && { "authorization.k8s.io/decision": "forbid" }),
      ...(isCut && { "audit.k8s.io/truncated": "true" }),
    },
  };
  // They are JSON already, and may be long.
  return JSON.stringify(head).slice(0, -1) + shown.map(([name, text]) => `,"${name}":${text}`).join("") + "}\n";
}

const userInfo = ({ name, uid, groups, extra }: User) => ({
  username: name,
  ...(uid !== undefined && { uid }),
  groups,
  ...(extra && { extra }),
});
const objectRef = ({ group, version, plural, namespace, name, subresource }: NonNullable<RequestInfo["resource"]>) => ({
  resource: plural,
  ...(namespace !== "" && { namespace }),
  ...(name !== "" && { name }),
  ...(group !== "" && { apiGroup: group }),
  apiVersion: version,
  ...(subresource !== "" && { subresource }),
});
/** Without details: a message says what a person needs. */
const responseStatus = (code: number, failure: Status | undefined) => ({
  metadata: {},
  ...(failure && { status: failure.status, message: cut(failure.message ?? ""), reason: failure.reason }),
  code,
});
const micro = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");
const cut = (text: string): string => text.length <= auditTextCharacters ? text : `${text.slice(0, auditTextCharacters)}...TRUNCATED`;
