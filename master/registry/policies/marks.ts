// What the master itself says in some objects, whatever their writers say.
import { qualified } from "../../../shared/api/resource.ts";
import type { Change } from "../change.ts";

/** A label by which selectors can name a namespace. */
export function namespaceNameLabel({ kind, object: { metadata } }: Change): undefined {
  if (qualified(kind) === "namespaces" && metadata.name) {
    metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  }
}

/** Who asks for a certificate is not the asker's to say. */
export function certificateRequester({ kind, object, old, context: { user } }: Change): undefined {
  if (qualified(kind) !== "certificatesigningrequests.certificates.k8s.io" || old || !user || !object.spec) return;
  const { username: _, uid: _1, groups: _2, extra: _3, ...asked } = object.spec, { name, uid, groups, extra } = user;
  object.spec = { ...asked, username: name, ...(uid && { uid }), groups: [...groups], ...(extra && { extra: structuredClone(extra) }) };
}
