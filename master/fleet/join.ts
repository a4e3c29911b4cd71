// How a device becomes a node (the requests: shared/wire/join.ts): its token is used, its Node and its Enrollment are made, its first certificate is signed.
// Each step finds what an earlier, interrupted attempt has made, by the device's key.
import { Buffer } from "node:buffer";
import { type Context, Hono } from "hono";
import * as v from "valibot";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
  isApproved,
} from "../../shared/api/kinds/certificate_signing_request.ts";
import { type Enrollment, enrollments } from "../../shared/api/kinds/enrollment.ts";
import { nodes } from "../../shared/api/kinds/node.ts";
import { ApiError, badRequest } from "../../shared/api/status.ts";
import { joinBodyBytes, joinsAtOnce } from "../../shared/limits.ts";
import { annotations, labels as ourLabels, signers } from "../../shared/names.ts";
import { base32 } from "../../shared/util/base32.ts";
import { chain, type Log } from "../../shared/util/log.ts";
import { type Joined, joinPaths, JoinRequest } from "../../shared/wire/join.ts";
import { requestKeyHash } from "../pki/authority.ts";
import type { Registry, Stored } from "../registry/registry.ts";
import { type CertificatesNeeds, issueNodeCertificate } from "./certificates.ts";
import type { Enrollments } from "./enrollments.ts";
import type { TokenRecord, Tokens } from "./tokens.ts";

export interface JoinNeeds extends CertificatesNeeds {
  readonly registry: Registry;
  readonly authority: CertificatesNeeds["authority"] & { readonly certificate: string };
  readonly enrollments: Enrollments;
  readonly tokens: Tokens;
  readonly clusterEpoch: () => string;
  readonly masters: () => readonly string[];
  readonly randomBytes: (count: number) => Uint8Array;
  /** Resolves when the cache knows everything up to this revision: a node that has its answer may connect at once. */
  readonly seen: (revision: number) => Promise<void>;
  readonly log: Log;
}

export function joinRoutes(needs: JoinNeeds): Hono {
  const app = new Hono(), underWay = new Map<string, Promise<Joined>>();
  app.get(joinPaths.ca, (c) => c.json({ ca: [needs.authority.certificate] }));
  app.post(joinPaths.nodes, async (c) => {
    const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (!bearer) throw new ApiError("Unauthorized", "Cannot join without a token: send it as Authorization: Bearer <id>.<secret>");
    const request = await readRequest(c), key = await requestKeyHash(request.csr);
    if (!key) throw badRequest("Cannot join: csr is not a PKCS #10 request as PEM, signed by its own key");
    // A device that asks again while its first request is under way gets the same answer.
    const turn = `${bearer} ${key}`;
    let answer = underWay.get(turn);
    if (!answer) {
      if (underWay.size >= joinsAtOnce) {
        throw new ApiError("TooManyRequests", `${joinsAtOnce} other devices are joining, please try again later`, {
          details: { retryAfterSeconds: 2 },
        });
      }
      answer = join(needs, bearer, key, request).finally(() => underWay.delete(turn));
      underWay.set(turn, answer);
    }
    return c.json(await answer);
  });
  app.onError((error, c) => {
    const known = answerable(error);
    if (known.reason === "InternalError") needs.log.error("A device could not join", { error: chain(error) });
    return c.json(known.status(), known.code as 500, {
      ...(known.details?.retryAfterSeconds && { "retry-after": String(known.details.retryAfterSeconds) }),
    });
  });
  return app;
}

/** What the device hears: 4xx only for what will not become right by trying again. */
function answerable(error: unknown): ApiError {
  if (!(error instanceof ApiError)) return new ApiError("InternalError", "Cannot join: the master failed; its log says why");
  return error.reason === "Conflict" ? new ApiError("ServiceUnavailable", error.message, { cause: error }) : error;
}

/** @throws ApiError */
async function readRequest(c: Context): Promise<JoinRequest> {
  if (Number(c.req.header("content-length") ?? 0) > joinBodyBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    if ((size += chunk.length) > joinBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  let input: unknown;
  try {
    input = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw badRequest("Cannot join: the body is not JSON");
  }
  const result = v.safeParse(JoinRequest, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw badRequest(`Cannot join: ${v.getDotPath(issue) ?? "the body"}: ${issue.message}`);
}
const tooLarge = (): ApiError => new ApiError("RequestEntityTooLarge", `Cannot join: the body has more than ${joinBodyBytes} bytes`);

async function join(needs: JoinNeeds, bearer: string, key: string, request: JoinRequest): Promise<Joined> {
  const { registry, tokens, log } = needs;
  let enrollment = needs.enrollments.byKey(key);
  const token = await tokens.use(bearer, key, enrollment !== undefined);
  if (enrollment?.object.spec.revoked) {
    throw new ApiError("Forbidden", `Cannot join: the node ${enrollment.object.spec.nodeName} was shut out`);
  }
  const record = await requestRecord(registry, key, request, token);
  if (!enrollment) enrollment = await enroll(needs, key, request, token);
  const certificate = await issueNodeCertificate(needs, enrollment, request.csr);
  const approved = await approve(registry, record, certificate, needs.now());
  await needs.seen(Math.max(enrollment.revision, approved.revision));
  const { name: nodeId, object: { spec: { nodeName } } } = enrollment;
  log.info("A device has joined", { node: nodeName, nodeId, tokenId: token.id });
  return {
    nodeId,
    nodeName,
    clusterId: needs.clusterId(),
    clusterEpoch: needs.clusterEpoch(),
    certificate,
    ca: [needs.authority.certificate],
    masters: [...needs.masters()],
    time: needs.now(),
  };
}

/** The Node first: creating it is what makes the name its own. */
async function enroll(
  { registry, randomBytes }: JoinNeeds,
  key: string,
  request: JoinRequest,
  token: TokenRecord,
): Promise<Stored<Enrollment>> {
  const { wish: { name: wished = "", labels: wishedLabels = {} }, serial, machineIdHash, sealKey } = request;
  const labels = { ...allowedLabels(wishedLabels), ...token.labels };
  const nodeName = await takeName(registry, nameFor(wished, serial, key), key, labels);
  const enrollment = await registry.create(enrollments, {
    // The labels stand here too: a Node that somebody deletes is made anew when the device comes back.
    metadata: { name: base32(randomBytes(16)), ...(Object.keys(labels).length > 0 && { labels }) },
    spec: { publicKeys: [key], sealKey, nodeName, ...(serial && { serial }), ...(machineIdHash && { machineIdHash }) },
  });
  return await registry.modify(enrollments, { name: enrollment.name }, (object) => {
    object.status = { ...object.status, tokenId: token.id };
  }, { subresource: "status" });
}

async function takeName(registry: Registry, wish: string, key: string, labels: Record<string, string>): Promise<string> {
  for (const name of [wish, `${wish}-${key.slice(0, 5)}`, `${wish}-${key.slice(0, 12)}`]) {
    try {
      await registry.create(nodes, newNode(name, labels, key));
      return name;
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
      const there = await registry.get(nodes, { name }); // made by an attempt of this very device that did not get further?
      if (there.object.metadata?.annotations?.[annotations.joinKey] === key) return name;
    }
  }
  throw new ApiError(
    "AlreadyExists",
    `Cannot join: the names ${wish}, ${wish}-${key.slice(0, 5)} and ${wish}-${key.slice(0, 12)} are taken`,
  );
}

export const newNode = (name: string, labels: Readonly<Record<string, string>>, key?: string) => ({
  metadata: {
    name,
    labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ...labels },
    ...(key && { annotations: { [annotations.joinKey]: key } }),
  },
});

/** What was wished for, as a DNS-1123 label with room for a suffix; else the board's serial number; else a part of the key. */
export function nameFor(wished: string, serial: string | undefined, key: string): string {
  const clean = (text: string): string => text.toLowerCase().replace(/[^a-z0-9-]+/g, "-").slice(0, 50).replace(/^-+|-+$/g, "");
  return clean(wished) || (serial && clean(`node-${serial}`)) || `node-${key.slice(0, 8)}`;
}

const ofKubernetes = /(^|\.)(kubernetes|k8s)\.io$/;
const allowedOfKubernetes = ["kubernetes.io/arch", "kubernetes.io/os", "kubernetes.io/hostname", "node.kubernetes.io/instance-type"];
/** Labels that a device may give itself: not those by which Kubernetes and we tell nodes apart, but for its machine and its site (as NodeRestriction). */
export function allowedLabels(wished: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(wished).filter(([key]) => {
      const domain = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
      if (key === ourLabels.site || allowedOfKubernetes.includes(key) || /^topology\.kubernetes\.io\//.test(key)) return true;
      return !ofKubernetes.test(domain) && !/(^|\.)skerry\.dev$/.test(domain);
    }),
  );
}

/** The request as an object that people see and can deny. */
async function requestRecord(
  registry: Registry,
  key: string,
  { csr, wish }: JoinRequest,
  token: TokenRecord,
): Promise<Stored<CertificateSigningRequest>> {
  const name = `node-${key.slice(0, 32)}`;
  try {
    return await registry.create(certificateSigningRequests, {
      metadata: { name, ...(wish.name && { annotations: { [annotations.wishedName]: wish.name } }) },
      spec: {
        request: Buffer.from(csr.trim() + "\n").toString("base64"),
        signerName: signers.node,
        usages: ["digital signature", "client auth"],
        username: `system:bootstrap:${token.id}`,
        groups: ["system:bootstrappers", "system:authenticated"],
      },
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
    const there = await registry.get(certificateSigningRequests, { name });
    const denied = there.object.status?.conditions?.find(({ type }) => type === "Denied");
    if (denied) {
      throw new ApiError("Forbidden", `Cannot join: the request ${name} was denied${denied.message ? `: ${denied.message}` : ""}`);
    }
    return there;
  }
}
function approve(registry: Registry, { name }: Stored<CertificateSigningRequest>, certificate: string, now: number) {
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  return registry.modify(certificateSigningRequests, { name }, (request) => {
    if (request.status?.certificate) return undefined; // given once; a repeated join signs again, which the Enrollment's status shows
    const approval = {
      type: "Approved",
      status: "True",
      reason: "JoinToken",
      message: "It came with a valid join token.",
      lastUpdateTime: time,
      lastTransitionTime: time,
    };
    request.status = {
      conditions: isApproved(request) ? request.status!.conditions! : [...request.status?.conditions ?? [], approval],
      certificate: Buffer.from(certificate).toString("base64"),
    };
    return request;
  }, { subresource: "status" });
}
