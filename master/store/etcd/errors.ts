// What etcd says when it does not do as asked, in the store's words. gRPC's codes alone do not tell enough (OUT_OF_RANGE is both past and future); the sentences
// beside them are etcd's interface too (api/v3rpc/rpctypes, where its own client looks them up).
import { type ServiceError, status } from "@grpc/grpc-js";
import type { StoreReason } from "../store.ts";

export type Verdict =
  /** etcd has refused, and nothing has changed. */
  | { readonly is: "refused"; readonly reason: StoreReason; readonly why: string }
  /** Nothing has changed, and another member may do better. */
  | { readonly is: "elsewhere" }
  /** It may have been done, or may still be. */
  | { readonly is: "unknown" };

const refused = (reason: StoreReason, why: string): Verdict => ({ is: "refused", reason, why });

export const sentences: Readonly<Record<string, Verdict>> = {
  "etcdserver: mvcc: required revision has been compacted": refused("Compacted", "it is compacted"),
  "etcdserver: mvcc: required revision is a future revision": refused("Future", "nobody has reached it"),
  "etcdserver: mvcc: database space exceeded": refused(
    "NoSpace",
    "etcd has reached its quota (--quota-backend-bytes). Delete objects; then compact, defragment and disarm the alarm with etcdctl",
  ),
  "etcdserver: too many requests": refused("Overloaded", "etcd has too many requests"),
  "etcdserver: request is too large": refused("TooLarge", "it is larger than etcd takes (--max-request-bytes)"),
  "etcdserver: too many operations in txn request": refused("TooLarge", "it has more operations than etcd takes (--max-txn-ops)"),
  "etcdserver: requested lease not found": refused("Invalid", "there is no such lease"),
  "etcdserver: lease already exists": refused("Invalid", "there is a lease of that number"),
  "etcdserver: too large lease TTL": refused("Invalid", "its time is too long"),
  "etcdserver: permission denied": refused("Invalid", "etcd does not permit this client to"),
  // Only those that carry `hasleader` hear it, before anything else is looked at.
  "etcdserver: no leader": { is: "elsewhere" },
};

export function judge({ code, details }: Pick<ServiceError, "code" | "details">): Verdict {
  const known = sentences[details];
  if (known) return known;
  switch (code) {
    // gRPC's own limit of a message, which is half a MiB above --max-request-bytes.
    case status.RESOURCE_EXHAUSTED:
      return refused("TooLarge", details);
    case status.INVALID_ARGUMENT:
    case status.NOT_FOUND:
    case status.FAILED_PRECONDITION:
    case status.OUT_OF_RANGE:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.UNIMPLEMENTED:
      return refused("Invalid", details);
    default:
      return { is: "unknown" };
  }
}
