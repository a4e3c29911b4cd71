// Which keys are which node: what the broker and the renewal of certificates go by. A node is the nodeId its key proves, not its name.
import * as v from "valibot";
import { bool, field, kind, list, message, refine, required, string } from "../schema.ts";
import { time } from "../scalars.ts";
import type { Cause } from "../decode.ts";
import { ObjectMeta } from "../meta.ts";
import { dns1123Subdomain } from "../names.ts";
import { duplicate, immutable, invalid, resource, tooMany } from "../resource.ts";

const fleet = "dev.skerry.fleet.v1alpha1";
const sha256 = refine(string, v.regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex: 64 characters"));
/** 128 bits, RFC 4648 base32 in lower case without padding. */
const nodeId = /^[a-z2-7]{25}[aeimquy4]$/;

export class EnrollmentSpec extends message(`${fleet}.EnrollmentSpec`, "The device and its keys.", {
  publicKeys: required(
    1,
    list(sha256),
    "SHA-256 of the SubjectPublicKeyInfo of each accepted key, in hex. One; two while the node rotates.",
    {
      list: "set",
    },
  ),
  sealKey: required(2, string, "The key that Secrets for this node are sealed to: X25519, 32 bytes, in base64."),
  nodeName: required(3, string, "Name of its Node. It cannot change."),
  serial: field(4, string, "Serial number of the board."),
  machineIdHash: field(5, sha256, "SHA-256 of the operating system's machine id, in hex: two cards of one image have the same."),
  revoked: field(6, bool, "Is the node shut out? Its certificates are refused from then on, whatever their dates."),
}) {}

export class EnrollmentStatus extends message(`${fleet}.EnrollmentStatus`, "What the cluster has given the node.", {
  certificateSerial: field(1, string, "Serial number of the newest certificate, in hex."),
  certificateNotAfter: field(2, time, "Until when it is valid. After that, it is good for one thing: to be renewed."),
  tokenId: field(3, string, "Id of the join token it came with."),
}) {}

export class Enrollment
  extends kind("fleet.skerry.dev/v1alpha1", `${fleet}.Enrollment`, "A device that belongs to the fleet. Its name is the nodeId.", {
    metadata: field(1, ObjectMeta, "Name, labels and the like."),
    spec: required(2, EnrollmentSpec, "The device and its keys."),
    status: field(3, EnrollmentStatus, "What the cluster has given it. Written by the system."),
  }) {}

/** Keys of one node at a time: the one it has, and the one it changes to. */
const mostKeys = 2;

export const enrollments = resource(Enrollment, {
  plural: "enrollments",
  namespaced: false,
  status: true,
  names: "label",
  selectable: { "spec.nodeName": (enrollment) => enrollment.spec.nodeName },
  columns: {
    Node: (enrollment) => enrollment.spec.nodeName,
    Serial: (enrollment) => enrollment.spec.serial || "<none>",
    Status: (enrollment) => enrollment.spec.revoked ? "Revoked" : "Enrolled",
    "Certificate-Expiry": { wide: true, cell: (enrollment) => enrollment.status?.certificateNotAfter ?? "<none>" },
  },
  validate({ metadata: { name = "" } = {}, spec: { publicKeys, sealKey, nodeName } }, old) {
    const causes: Cause[] = [];
    if (!nodeId.test(name)) causes.push(invalid("metadata.name", name, "must be a nodeId: 128 bits in lower-case base32, 26 characters"));
    if (publicKeys.length > mostKeys) causes.push(tooMany("spec.publicKeys", publicKeys.length, mostKeys));
    publicKeys.forEach((key, i) => {
      if (publicKeys.indexOf(key) < i) causes.push(duplicate(`spec.publicKeys[${i}]`, key));
    });
    if (!/^[A-Za-z0-9+/]{43}=$/.test(sealKey)) causes.push(invalid("spec.sealKey", sealKey, "must be 32 bytes in base64"));
    causes.push(...dns1123Subdomain(nodeName).map((problem) => invalid("spec.nodeName", nodeName, problem)));
    if (old && old.spec.nodeName !== nodeName) causes.push(immutable("spec.nodeName", nodeName));
    return causes;
  },
});
