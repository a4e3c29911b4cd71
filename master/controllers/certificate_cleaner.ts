// Certificate requests are removed once nobody needs them any more: those that are decided after an hour, those that nobody has looked at after a day, and those whose
// certificate has ended at once (upstream's csrcleaner). The refusal of a device stays: it is what keeps the device out.
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { type CertificateSigningRequest, certificateSigningRequests } from "../../shared/api/kinds/certificate_signing_request.ts";
import { signers } from "../../shared/names.ts";
import type { Clock } from "../../shared/util/clock.ts";
import type { Controller } from "./controller.ts";
import { unless } from "./expected_errors.ts";

const hourMs = 3_600_000, decidedMs = hourMs, openMs = 24 * hourMs;

/** ms since 1970 at which it goes; Infinity: not by itself. Pure. */
export function removedAt({ metadata, spec, status: { conditions = [], certificate } = {} }: CertificateSigningRequest): number {
  const decided = (type: string): number => {
    const found = conditions.find((condition) => condition.type === type);
    return found ? Date.parse(found.lastUpdateTime ?? metadata?.creationTimestamp ?? "") + decidedMs : Infinity;
  };
  const refused = spec.signerName === signers.node ? Infinity : decided("Denied");
  const issued = certificate ? Math.min(decided("Approved"), endOf(certificate)) : Infinity;
  const open = conditions.length === 0 ? Date.parse(metadata?.creationTimestamp ?? "") + openMs : Infinity;
  return Math.min(...[refused, decided("Failed"), issued, open].filter((at) => !Number.isNaN(at)));
}
function endOf(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, "base64")).validTo);
  } catch {
    return Infinity; // of some other signer's form
  }
}

export const certificateCleaner = (clock: Clock): Controller => ({
  name: "certificate-cleaner",
  *keysOf({ kind, after }) {
    if (kind.group === certificateSigningRequests.group && kind.plural === certificateSigningRequests.plural && after) yield after.name;
  },
  *allKeys(cache) {
    for (const { name } of cache.list(certificateSigningRequests)) yield name;
  },
  async reconcile(name, { cache, registry }) {
    const found = cache.get(certificateSigningRequests, "", name);
    if (!found || found.deleting) return;
    const leftMs = removedAt(found.object) - clock.now();
    if (leftMs > 0) return leftMs === Infinity ? undefined : leftMs;
    await registry.delete(certificateSigningRequests, { name }, { preconditions: { uid: found.uid } }).catch(
      unless("NotFound", "Conflict"),
    );
  },
});
